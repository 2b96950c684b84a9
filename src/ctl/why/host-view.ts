// What this host knows by itself: which node it is, and what rules its kernel holds.
import { readFileSync } from 'node:fs';
import { readTable } from '../../kernel/nftables/read-table.ts';
import type { HostView } from '../../why/kernel.ts';

/** Where the agent of this host has left the name of its node. */
const NODE_NAME_FILE = '/var/lib/calico/nodename';

function readNodeName(): string | undefined {
  try {
    return readFileSync(NODE_NAME_FILE, 'utf8').trim();
  } catch {
    return undefined; // no agent has run here
  }
}

/** The kernel is not asked where no agent has run. */
export function observeHost(): HostView {
  const node = readNodeName();
  return { node, table: node === undefined ? 'no agent has run on this host' : readTable() };
}
