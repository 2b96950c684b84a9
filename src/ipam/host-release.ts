// A host that goes: whatever the blocks record as held by it comes back, wherever the block lies.
import { isOcicatError, OcicatError } from '../base/errors.ts';
import { type Attribute, attributeAt, type Block, heldOrdinals, ipAt } from '../blocks/block.ts';
import { parseBlock } from '../blocks/block-json.ts';
import type { ReleaseRequest } from '../blocks/release.ts';
import { BLOCKS_PREFIX, printKey } from '../datastore/keys.ts';
import type { KeyValue } from '../datastore/port.ts';
import { formatCidr } from '../net/cidr.ts';
import type { Ip } from '../net/ip.ts';
import { commitTransaction, NO_CACHE } from './commit.ts';
import { type ReleasePorts, readCooldown, releaseByHandle } from './ipam.ts';
import { blockKey } from './own-block.ts';
import { buildReleaseIn, type ReleaseContext } from './release.ts';

/** Each address may have a handle of its own, which is a condition and a write of the same transaction. */
const ADDRESSES_PER_COMMIT = 50;

/** What Calico calls the handles of a host's own addresses, without the host's name (node/pkg/allocateip). */
const TUNNELS = ['ipip-tunnel-addr', 'vxlan-tunnel-addr', 'vxlan-v6-tunnel-addr'] as const;
const WIREGUARD_TUNNELS = ['wireguard-tunnel-addr', 'wireguard-v6-tunnel-addr'] as const;

/** Blocks that cannot be understood are given to `report`; what the host holds in them stays. */
export type Report = (error: OcicatError) => void;

function tryParseBlock({ key, value }: KeyValue, report: Report): Block | undefined {
  try {
    return parseBlock(value);
  } catch (cause) {
    if (!isOcicatError(cause)) throw cause;
    const name = key.slice(BLOCKS_PREFIX.length);
    report(new OcicatError('corrupt', `read block "${name}": it cannot be used`, { cause, issues: cause.issues }));
    return undefined;
  }
}

/** What is held in a block by whoever is meant. */
export function requestsFor(block: Block, isMeant: (holder: Attribute, ip: Ip) => boolean): readonly ReleaseRequest[] {
  return heldOrdinals(block).flatMap((ordinal) => {
    const [ip, holder] = [ipAt(block, ordinal), attributeAt(block, ordinal)];
    return holder !== undefined && isMeant(holder, ip) ? [{ ip, handleId: holder.handleId }] : [];
  });
}

/** The next of the host's addresses in a block; none when there are none left. */
async function buildNext(context: ReleaseContext, cidr: string, host: string): Promise<readonly Ip[]> {
  const text = await context.builder.get(blockKey(cidr));
  if (text === undefined) return [];
  const requests = requestsFor(parseBlock(text), (holder) => holder.secondary?.node === host);
  const released = await buildReleaseIn(context, cidr, requests.slice(0, ADDRESSES_PER_COMMIT));
  return released.map(({ ip }) => ip);
}

async function releaseIn(ports: ReleasePorts, block: Block, host: string, signal: AbortSignal): Promise<readonly Ip[]> {
  const { datastore, cache = NO_CACHE } = ports;
  const cidr = formatCidr(block.cidr);
  const cooldownSeconds = await readCooldown(datastore, signal);
  const all: Ip[] = [];
  for (;;) {
    const { result } = await commitTransaction(
      datastore,
      cache,
      (builder) => buildNext({ builder, nowMs: ports.now(), cooldownSeconds }, cidr, host),
      signal,
    );
    all.push(...result);
    if (result.length < ADDRESSES_PER_COMMIT) return all;
  }
}

/** Returns the addresses. Several commits: a stop between them leaves the rest to the next call. */
export async function releaseHostAddresses(
  ports: ReleasePorts,
  host: string,
  report: Report,
  signal: AbortSignal,
): Promise<readonly Ip[]> {
  const released: Ip[] = [];
  const { kvs } = await ports.datastore.list(BLOCKS_PREFIX, {}, signal);
  for (const block of kvs.flatMap((kv) => tryParseBlock(kv, report) ?? [])) {
    if (requestsFor(block, (holder) => holder.secondary?.node === host).length === 0) continue;
    released.push(...(await releaseIn(ports, block, host, signal)));
  }
  for (const tunnel of [...TUNNELS, ...WIREGUARD_TUNNELS])
    released.push(...(await releaseByHandle(ports, `${tunnel}-${host}`, signal)));
  return released;
}

/** The record that the host has asked for addresses. Returns whether it was there. */
export async function deleteHostMarker(ports: ReleasePorts, host: string, signal: AbortSignal): Promise<boolean> {
  const key = printKey({ kind: 'ipam-host', host });
  const { result } = await commitTransaction(
    ports.datastore,
    ports.cache ?? NO_CACHE,
    async (builder) => {
      const exists = (await builder.get(key)) !== undefined;
      if (exists) builder.delete(key);
      return exists;
    },
    signal,
  );
  return result;
}
