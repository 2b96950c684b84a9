// What ipam check compares: addresses that blocks record, addresses that endpoints and nodes use, and handles.
import { isOcicatError } from '../../base/errors.ts';
import { attributeAt, type Block, heldOrdinals, ipAt } from '../../blocks/block.ts';
import { heldAddresses } from '../../blocks/release.ts';
import type { Datastore } from '../../datastore/port.ts';
import { type WorkloadEndpoint, workloadEndpoint } from '../../model/endpoint/workload-endpoint.ts';
import type { Kind } from '../../model/meta/kind.ts';
import { type Node, node } from '../../model/node/node.ts';
import { cidrContains, parseCidr, tryParseCidrOrIp } from '../../net/cidr.ts';
import { formatIp, tryParseIp } from '../../net/ip.ts';
import { fetchList } from '../store/stored.ts';
import { findUseOnHosts } from './ask-hosts.ts';
import { readIpamConfig } from './config.ts';
import { type Contradiction, findContradictions, type Users } from './contradictions.ts';
import { readPools, readReservations } from './read.ts';
import { atRevision, type IpamRecords, readIpamRecords } from './records.ts';

/** An address that a block records as held. */
export interface Allocation {
  readonly ip: string;
  readonly handle: string;
  /** 0 in blocks of releases of Calico that did not record it. */
  readonly sequenceNumber: bigint;
  readonly node: string;
  readonly pod: string;
  readonly namespace: string;
  readonly type: string;
  readonly creationTimestamp: string;
  /** Whether the block belongs to another node. */
  readonly borrowed: boolean;
}

export interface AddressUsage {
  readonly records: IpamRecords;
  readonly pools: readonly string[];
  readonly allocations: readonly Allocation[];
  /** Who uses an address: endpoints, tunnels of nodes, containers of other plugins, what runs on its host; by address. */
  readonly users: Users;
  readonly tunnelAddresses: number;
  readonly workloadAddresses: number;
  readonly contradictions: readonly Contradiction[];
  /** What cannot be read, described: agents do not use it. */
  readonly problems: readonly string[];
  /** Of those, endpoints and nodes of which nobody can say which addresses they use. */
  readonly unreadable: readonly string[];
  /** Whether an address lies in a pool that is not disabled. */
  isInPool(ip: string): boolean;
}

function allocationsOf(block: Block): readonly Allocation[] {
  return heldOrdinals(block).map((ordinal) => {
    const holder = attributeAt(block, ordinal);
    const attributes = holder?.secondary ?? {};
    return {
      ip: formatIp(ipAt(block, ordinal)),
      handle: holder?.handleId ?? '',
      sequenceNumber: block.allocationSequence.get(ordinal) ?? 0n,
      node: attributes.node ?? '',
      pod: attributes.pod ?? '',
      namespace: attributes.namespace ?? '',
      type: attributes.type ?? '',
      creationTimestamp: attributes.timestamp ?? '',
      borrowed:
        attributes.node !== undefined && block.affinity !== undefined && block.affinity !== `host:${attributes.node}`,
    };
  });
}

function tunnelsOf({ spec }: Node): readonly string[] {
  const { bgp, wireguard } = spec;
  const all = [
    bgp?.ipv4IPIPTunnelAddr,
    spec.ipv4VXLANTunnelAddr,
    spec.ipv6VXLANTunnelAddr,
    wireguard?.interfaceIPv4Address,
    wireguard?.interfaceIPv6Address,
  ];
  return all.flatMap((text) => {
    const ip = typeof text === 'string' ? tryParseIp(text) : undefined;
    return ip === undefined ? [] : [formatIp(ip)];
  });
}

function addressesOf({ spec }: WorkloadEndpoint): readonly string[] {
  const networks: unknown = spec.ipNetworks; // also of an endpoint that breaks the rules: its address is in use
  return (Array.isArray(networks) ? networks : []).flatMap((text: unknown) => {
    const range = typeof text === 'string' ? tryParseCidrOrIp(text) : undefined;
    return range === undefined ? [] : [formatIp(range.address)];
  });
}

async function readKind<R>(datastore: Datastore, kind: Kind, signal: AbortSignal) {
  const { resources, warnings, unreadable } = await fetchList(datastore, kind, undefined, signal);
  const problems = warnings.map(withoutMark);
  return { resources: resources as readonly unknown[] as readonly R[], problems, unreadable };
}

function withoutMark(warning: string): string {
  return warning.replace(/^warning: /, '');
}

/** Why the settings cannot be read; nothing when they can. */
async function settingsProblems(datastore: Datastore, signal: AbortSignal): Promise<readonly string[]> {
  try {
    await readIpamConfig(datastore, signal);
    return [];
  } catch (error) {
    if (isOcicatError(error, 'corrupt')) return [error.message];
    throw error;
  }
}

/**
 * Addresses that calico-ipam gave to a container of another main plugin, such as ptp or bridge: there is no endpoint, and
 * only the container's node could tell whether it lives. While there is such a node they count as used.
 */
function usersBehindPlugins(
  blocks: readonly Block[],
  nodes: ReadonlySet<string>,
): readonly (readonly [string, string])[] {
  return blocks.flatMap(heldAddresses).flatMap(({ ip, holder }) => {
    const { node: host, interface: interfaceName } = holder.secondary ?? {};
    if (host === undefined || interfaceName === undefined || !nodes.has(host)) return [];
    return [[formatIp(ip), `Container(${holder.handleId ?? ''}/${interfaceName})`] as const];
  });
}

async function readUsers(datastore: Datastore, blocks: readonly Block[], signal: AbortSignal) {
  const [nodes, endpoints] = await Promise.all([
    readKind<Node>(datastore, node, signal),
    readKind<WorkloadEndpoint>(datastore, workloadEndpoint, signal),
  ]);
  const tunnels = nodes.resources.flatMap((one) =>
    tunnelsOf(one).map((ip) => [ip, `Node(${one.metadata.name})`] as const),
  );
  const workloads = endpoints.resources.flatMap((one) => {
    const user = `Workload(${one.metadata.namespace ?? ''}/${one.metadata.name})`;
    return addressesOf(one).map((ip) => [ip, user] as const);
  });
  const names = new Set(nodes.resources.map(({ metadata }) => metadata.name));
  const users = new Map<string, string[]>();
  for (const [ip, user] of [...tunnels, ...workloads, ...usersBehindPlugins(blocks, names)]) {
    const known = users.get(ip) ?? [];
    if (!known.includes(user)) users.set(ip, [...known, user]);
  }
  return {
    users,
    tunnelAddresses: tunnels.length,
    workloadAddresses: workloads.length,
    problems: [...nodes.problems, ...endpoints.problems],
    unreadable: [...nodes.unreadable, ...endpoints.unreadable],
  };
}

/**
 * Reads everything that has to do with addresses, as it was at one revision, so that what is under way is not half there; and
 * asks hosts about what the store has no user of.
 */
export async function readAddressUsage(datastore: Datastore, signal: AbortSignal): Promise<AddressUsage> {
  const records = await readIpamRecords(datastore, signal);
  const then = atRevision(datastore, records.revision);
  const [used, pools, reservations, settings] = await Promise.all([
    readUsers(then, records.blocks, signal),
    readPools(then, signal),
    readReservations(then, signal),
    settingsProblems(then, signal),
  ]);
  const allocations = records.blocks.flatMap(allocationsOf);
  const suspects = allocations.filter(({ ip }) => !used.users.has(ip));
  const users = new Map(used.users);
  for (const [ip, user] of await findUseOnHosts(datastore, suspects, signal)) users.set(ip, [user]);
  const active = pools.resources.filter((pool) => pool.spec.disabled !== true).map((pool) => pool.spec.cidr);
  const ranges = active.map(parseCidr);
  return {
    ...used,
    users,
    records,
    allocations,
    pools: active,
    contradictions: findContradictions(records, used.users),
    problems: [...settings, ...pools.problems, ...reservations.problems, ...used.problems, ...records.problems],
    isInPool: (text) => {
      const ip = tryParseIp(text);
      return ip !== undefined && ranges.some((range) => cidrContains(range, ip));
    },
  };
}
