// Address assignment for programs: each function does one whole thing against the store and survives others doing the same.
import type { OcicatError } from '../base/errors.ts';
import type { ReleaseRequest } from '../blocks/release.ts';
import { BLOCKS_PREFIX, printKey, tryParseKey } from '../datastore/keys.ts';
import type { Datastore } from '../datastore/port.ts';
import { cidrContains, parseCidr } from '../net/cidr.ts';
import type { Ip } from '../net/ip.ts';
import { type Assigned, type AssignRequest, buildAssignment } from './assign.ts';
import { commitTransaction, NO_CACHE, type StoreCache } from './commit.ts';
import { buildReleaseByHandle, buildReleaseIn } from './release.ts';
import { parseCooldownSeconds } from './settings.ts';
import type { IpamView } from './view.ts';

export interface Ipam {
  readonly datastore: Datastore;
  readonly view: IpamView;
  /** The clock, in milliseconds since 1970. */
  now(): number;
  /** Called with stored data that cannot be understood. */
  report(error: OcicatError): void;
}

/** Assigns and commits; see buildAssignment for what it throws, and commitTransaction. */
export async function assignAddresses(
  ipam: Ipam,
  request: AssignRequest,
  signal: AbortSignal,
): Promise<readonly Assigned[]> {
  const { datastore, view } = ipam;
  const committed = await commitTransaction(
    datastore,
    view,
    (builder) => buildAssignment({ view, builder, nowMs: ipam.now(), report: ipam.report }, request),
    signal,
  );
  return committed.result;
}

/** What a release needs: any cache will do, none as well. */
export interface ReleasePorts {
  readonly datastore: Datastore;
  readonly cache?: StoreCache;
  now(): number;
}

/** How long an address rests after its release, in seconds; the longest while the settings cannot be read. */
export async function readCooldown(datastore: Datastore, signal: AbortSignal): Promise<number> {
  const { kv } = await datastore.get(printKey({ kind: 'ipam-config' }), signal);
  return parseCooldownSeconds(kv?.value);
}

/** Releases everything that is held under a handle; returns the addresses, none when the handle is gone. */
export async function releaseByHandle(
  ports: ReleasePorts,
  handleId: string,
  signal: AbortSignal,
): Promise<readonly Ip[]> {
  const { datastore, cache = NO_CACHE } = ports;
  const cooldownSeconds = await readCooldown(datastore, signal);
  const { result } = await commitTransaction(
    datastore,
    cache,
    (builder) => buildReleaseByHandle({ builder, nowMs: ports.now(), cooldownSeconds }, handleId),
    signal,
  );
  return result.map(({ ip }) => ip);
}

/** The existing block that an address is in, in text. */
async function findBlock(datastore: Datastore, ip: Ip, signal: AbortSignal): Promise<string | undefined> {
  const { kvs } = await datastore.list(BLOCKS_PREFIX, { keysOnly: true }, signal);
  const cidrs = kvs.flatMap(({ key }) => {
    const named = tryParseKey(key);
    return named?.kind === 'block' ? [named.cidr] : [];
  });
  return cidrs.find((cidr) => cidrContains(parseCidr(cidr), ip));
}

/**
 * Releases one address whoever holds it, or only as long as the preconditions of the request hold. Returns whether anybody
 * held it. Throws `conflict` when a precondition does not hold any more.
 */
export async function releaseAddress(
  ports: ReleasePorts,
  request: ReleaseRequest,
  signal: AbortSignal,
): Promise<boolean> {
  const { datastore, cache = NO_CACHE } = ports;
  const cidr = await findBlock(datastore, request.ip, signal);
  if (cidr === undefined) return false;
  const cooldownSeconds = await readCooldown(datastore, signal);
  const { result } = await commitTransaction(
    datastore,
    cache,
    (builder) => buildReleaseIn({ builder, nowMs: ports.now(), cooldownSeconds }, cidr, [request]),
    signal,
  );
  return result.length > 0;
}
