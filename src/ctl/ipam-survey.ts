// What ipam check compares: addresses that blocks record, addresses that endpoints and nodes use, and handles.
import { isOcicatError } from '../base/errors.ts';
import { attributeAt, heldOrdinals, ipAt } from '../blocks/block.ts';
import { HANDLES_PREFIX, tryParseKey } from '../datastore/keys.ts';
import type { Datastore } from '../datastore/port.ts';
import type { Kind } from '../model/kind.ts';
import { type Node, node } from '../model/node.ts';
import { type WorkloadEndpoint, workloadEndpoint } from '../model/workload-endpoint.ts';
import { cidrContains, formatCidr, parseCidr, tryParseCidrOrIp } from '../net/cidr.ts';
import { formatIp, tryParseIp } from '../net/ip.ts';
import { readIpamConfig } from './ipam-config.ts';
import { readBlocks, readPools, readReservations } from './ipam-read.ts';
import { fetchList } from './stored.ts';

/** An address that a block records as held. */
export interface Allocation {
  readonly ip: string;
  readonly handle: string;
  readonly sequenceNumber: bigint;
  readonly node: string;
  readonly pod: string;
  readonly namespace: string;
  readonly type: string;
  readonly creationTimestamp: string;
  /** Whether the block belongs to another node. */
  readonly borrowed: boolean;
}

/** A block with its owner, for the report. */
export interface SurveyedBlock {
  readonly cidr: string;
  readonly affinity: string;
}

export interface Survey {
  readonly blocks: readonly SurveyedBlock[];
  readonly pools: readonly string[];
  readonly allocations: readonly Allocation[];
  /** Who uses an address: endpoints and tunnels of nodes, by address. */
  readonly users: ReadonlyMap<string, readonly string[]>;
  readonly tunnelAddresses: number;
  readonly workloadAddresses: number;
  readonly handles: readonly string[];
  /** What cannot be read, in words: agents do not use it. */
  readonly problems: readonly string[];
  /** Whether an address lies in a pool that is not disabled. */
  isInPool(ip: string): boolean;
}

async function readAllocations(datastore: Datastore, signal: AbortSignal) {
  const blocks = await readBlocks(datastore, signal);
  const allocations = blocks.flatMap((block) =>
    heldOrdinals(block).map((ordinal): Allocation => {
      const holder = attributeAt(block, ordinal);
      const words = holder?.secondary ?? {};
      return {
        ip: formatIp(ipAt(block, ordinal)),
        handle: holder?.handleId ?? '',
        sequenceNumber: block.allocationSequence.get(ordinal) ?? block.sequenceNumber,
        node: words.node ?? '',
        pod: words.pod ?? '',
        namespace: words.namespace ?? '',
        type: words.type ?? '',
        creationTimestamp: words.timestamp ?? '',
        borrowed: words.node !== undefined && block.affinity !== undefined && block.affinity !== `host:${words.node}`,
      };
    }),
  );
  return {
    blocks: blocks.map((block) => ({ cidr: formatCidr(block.cidr), affinity: block.affinity ?? '<none>' })),
    allocations,
  };
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
  const { resources, warnings } = await fetchList(datastore, kind, undefined, signal);
  return { resources: resources as readonly unknown[] as readonly R[], problems: warnings.map(withoutMark) };
}

function withoutMark(warning: string): string {
  return warning.replace(/^warning: /, '');
}

/** In words why the settings cannot be read; nothing when they can. */
async function settingsProblems(datastore: Datastore, signal: AbortSignal): Promise<readonly string[]> {
  try {
    await readIpamConfig(datastore, signal);
    return [];
  } catch (error) {
    if (isOcicatError(error, 'corrupt')) return [error.message];
    throw error;
  }
}

async function readUsers(datastore: Datastore, signal: AbortSignal) {
  const users = new Map<string, string[]>();
  const add = (ip: string, user: string) => {
    const list = users.get(ip);
    if (list === undefined) users.set(ip, [user]);
    else list.push(user);
  };
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
  for (const [ip, user] of [...tunnels, ...workloads]) add(ip, user);
  return {
    users,
    tunnelAddresses: tunnels.length,
    workloadAddresses: workloads.length,
    problems: [...nodes.problems, ...endpoints.problems],
  };
}

async function readHandles(datastore: Datastore, signal: AbortSignal): Promise<readonly string[]> {
  const { kvs } = await datastore.list(HANDLES_PREFIX, { keysOnly: true }, signal);
  return kvs.flatMap(({ key }) => {
    const parsed = tryParseKey(key);
    return parsed?.kind === 'handle' ? [parsed.handleId] : [];
  });
}

/** Reads everything that has to do with addresses. */
export async function surveyAddresses(datastore: Datastore, signal: AbortSignal): Promise<Survey> {
  const [recorded, used, pools, reservations, settings, handles] = await Promise.all([
    readAllocations(datastore, signal),
    readUsers(datastore, signal),
    readPools(datastore, signal),
    readReservations(datastore, signal),
    settingsProblems(datastore, signal),
    readHandles(datastore, signal),
  ]);
  const active = pools.resources.filter((pool) => pool.spec.disabled !== true).map((pool) => pool.spec.cidr);
  const ranges = active.map(parseCidr);
  return {
    ...recorded,
    ...used,
    pools: active,
    handles,
    problems: [...settings, ...pools.problems, ...reservations.problems, ...used.problems],
    isInPool: (text) => {
      const ip = tryParseIp(text);
      return ip !== undefined && ranges.some((range) => cidrContains(range, ip));
    },
  };
}
