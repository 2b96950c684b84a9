// Takes away what stands in the kernel: links, tunnels, routes, rules of routing, tables. Each is known by its mark; what others have made is left.

import { observeLinks } from '../kernel/link/links.ts';
import { applyLoopbackAddresses } from '../kernel/link/loopback-addresses.ts';
import { deleteMarked, markForRemoval } from '../kernel/link/removal-group.ts';
import { isWorkloadLink } from '../kernel/link/workload-link-spec.ts';
import { removeTable } from '../kernel/nftables/remove-table.ts';
import {
  AGENT_HOLDER,
  endHolders,
  type HolderName,
  observeHolders,
  RKT_HOLDER,
} from '../kernel/nftables/table-holder.ts';
import { NO_PATHS } from '../kernel/reconcile/path-state.ts';
import { openPaths } from '../kernel/reconcile/paths.ts';
import { applyRoutes } from '../kernel/route/route-changes.ts';
import { formatRoute, observeRoutes, PROTOCOL_BIRD } from '../kernel/route/routes.ts';
import { removeLeftIfbs } from '../kernel/shaping/shaping.ts';
import { formatCidr } from '../net/cidr.ts';
import { formatIp } from '../net/ip.ts';
import { STAND_IN_TABLE, TABLE, TABLE_FAMILIES } from '../nftables/nft.ts';
import { removeHolderGroup } from '../rkt/run/holder-group.ts';
import { withRouteSocket } from '../sys/netlink.ts';
import { describeOtherBirds } from '../sys/other-daemons.ts';
import { hasEnded } from '../sys/processes.ts';
import { removeWireguardLinks } from '../wireguard/link.ts';

export function removeLinks(): readonly string[] {
  return withRouteSocket((socket) => {
    const links = observeLinks(socket).filter(isWorkloadLink);
    for (const { index } of links) markForRemoval(socket, index);
    deleteMarked(socket);
    const names = [...links.map(({ name }) => name), ...removeLeftIfbs(socket, [])];
    return names.map((name) => `removed link ${name}`);
  });
}

/** BIRD leaves its routes where they are. Those of another BIRD look alike: while one runs they are all left. */
export function removeRoutes(): readonly string[] {
  if (describeOtherBirds().length > 0) return [];
  return withRouteSocket((socket) => {
    const routes = observeRoutes(socket, { protocol: PROTOCOL_BIRD });
    const [failure] = applyRoutes(socket, { added: [], removed: routes });
    if (failure !== undefined) throw failure.error;
    return routes.map(({ destination }) => `removed route ${formatCidr(destination)}`);
  });
}

/** The devices that encrypt, and with each the program that does it. */
export function removeEncryption(): readonly string[] {
  return withRouteSocket(removeWireguardLinks).map((name) => `removed link ${name}`);
}

/** Tunnels, routes and rules of the ways to other hosts. */
export function removePaths(): readonly string[] {
  const paths = openPaths();
  try {
    const { tunnels, paths: difference, failures } = paths.reconcile(NO_PATHS);
    const [failure] = failures;
    if (failure !== undefined) throw failure;
    return [
      ...tunnels.removed.map(({ name }) => `removed link ${name}`),
      ...difference.routes.removed.map((route) => `removed route ${formatRoute(route)}`),
      ...difference.rules.removed.map(({ priority, table }) => `removed rule ${priority} to table ${table}`),
    ];
  } finally {
    paths.close();
  }
}

/** Those of the loopback, at which workloads spoke BGP with the host. */
export function removePeeringAddresses(): readonly string[] {
  const removed = (['bgp', 'names'] as const).flatMap((purpose) => applyLoopbackAddresses(purpose, []).removed);
  return removed.map((address) => `removed address ${formatIp(address)}`);
}

const TIMEOUT_MS = 5_000;

async function endOne(holder: HolderName): Promise<readonly string[]> {
  const pids = observeHolders(holder);
  endHolders(holder);
  for (let waitedMs = 0; !pids.every(hasEnded) && waitedMs < TIMEOUT_MS; waitedMs += 10) await Bun.sleep(10);
  return pids.map((pid) => `ended ${holder} (process ${pid})`);
}

/** As long as they live the tables belong to the agent that was, and to rkt. */
export async function endTableHolders(): Promise<readonly string[]> {
  const lines = [...(await endOne(AGENT_HOLDER)), ...(await endOne(RKT_HOLDER))];
  removeHolderGroup();
  return lines;
}

/** Links go before the tables: no packet of a workload passes without them. */
export function removeTables(): readonly string[] {
  const own = TABLE_FAMILIES.flatMap((family) => [TABLE, STAND_IN_TABLE].map((name) => [family, name] as const));
  return [...own, ['inet', 'rkt'] as const]
    .filter(([family, name]) => removeTable(family, name))
    .map(([family, name]) => `removed table ${family} ${name}`);
}
