// What `node status` says of the ways to other hosts: tunnels, routes, and how large packets may be on them.
import { readFile } from 'node:fs/promises';
import { formatFramed } from '../../cli/framed-table.ts';
import type { Row } from '../../cli/table.ts';
import type { TunnelStatus } from '../../kernel/link/tunnel-status.ts';
import { observeRouteCounts, observeTunnels } from '../../kernel/reconcile/tunnel-status.ts';
import { formatIp } from '../../net/ip.ts';
import { observeWireguardTunnels } from '../../wireguard/status.ts';

/** Written by the agent. */
const MTU_FILE = '/var/run/calico/mtu-of-pools';
const FAULTS_FILE = '/var/run/calico/route-faults';

function tunnelRow({ name, addresses, mtuBytes, peers, isUp }: TunnelStatus): Row {
  const address = addresses.length === 0 ? 'none yet' : addresses.map(formatIp).join(', ');
  return [name, address, `${mtuBytes}`, `${peers ?? '?'}`, isUp ? 'up' : 'down'];
}

/** Nothing on a host without tunnels. */
export async function describeTunnels(): Promise<string> {
  const tunnels = [...observeTunnels(), ...(await observeWireguardTunnels())];
  if (tunnels.length === 0) return '';
  return `Tunnels\n${formatFramed([['Device', 'Address', 'MTU', 'Peers', 'State'], ...tunnels.map(tunnelRow)], [2, 3])}\n`;
}

/** Nothing on a host that knows no other. */
export function describeRoutes(): string {
  const rows = observeRouteCounts().map(({ family, link, maker, count }): Row => {
    return [`IPv${family}`, link ?? 'nowhere (own blocks)', maker, `${count}`];
  });
  if (rows.length === 0) return '';
  const sorted = rows.sort((a, b) => (a.join() < b.join() ? -1 : 1));
  return `Routes between hosts\n${formatFramed([['Family', 'Device', 'Made by', 'Routes'], ...sorted], [3])}\n`;
}

async function readLines(path: string): Promise<readonly string[]> {
  return (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
}

/** Routes that two programs, or none, are told to make. */
export async function describeRouteFaults(path: string = FAULTS_FILE): Promise<string> {
  return (await readLines(path)).map((line) => `${line}\n`).join('');
}

/** A line for each pool. */
export async function describeMtuOfPools(path: string = MTU_FILE): Promise<string> {
  const lines = await readLines(path);
  return lines.length === 0 ? '' : `MTU on the way into each pool\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
