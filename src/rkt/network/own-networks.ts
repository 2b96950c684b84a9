// Has the kernel have the rules of rkt's own networks, in a table that nobody but rkt changes where the kernel offers that.
import { hexHash } from '../../base/hash.ts';
import { applyHeldTable } from '../../kernel/nftables/held-table.ts';
import { RKT_HOLDER } from '../../kernel/nftables/table-holder.ts';
import { computeContent } from '../../nftables/changes.ts';
import { printBatch } from '../../nftables/print.ts';
import { computeOwnRules } from './own-rules.ts';

const LOCK_FILE = '/run/rkt/own-networks.lock';

/** What it is for, and which rules it has. */
function computeComment(content: ReturnType<typeof computeOwnRules>): string {
  const version = hexHash(printBatch(computeContent(content).flat()), 12);
  return `keeps the networks default and default-restricted of rkt to themselves, by rules ${version}`;
}

/**
 * In one step. `started` gets the process that holds the table's socket, when it is a new one. Throws `kernel`, and `unavailable`
 * when the table belongs to somebody else.
 */
export function loadOwnRules(started: (pid: number) => void): void {
  const content = computeOwnRules();
  applyHeldTable({
    family: 'inet',
    name: 'rkt',
    comment: computeComment(content),
    content,
    holder: RKT_HOLDER,
    lockFile: LOCK_FILE,
    started,
  });
}
