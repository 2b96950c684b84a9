// What the ipam commands read from the store: pools, blocks, reservations.

import { formatIssue, isOcicatError, OcicatError } from '../../base/errors.ts';
import type { Block } from '../../blocks/block.ts';
import { parseBlock } from '../../blocks/block-json.ts';
import { BLOCKS_PREFIX } from '../../datastore/keys.ts';
import type { Datastore } from '../../datastore/port.ts';
import { type IPPool, ipPool } from '../../model/ipam/ip-pool.ts';
import { type IPReservation, ipReservation } from '../../model/ipam/ip-reservation.ts';
import { type Cidr, tryParseCidrOrIp } from '../../net/cidr.ts';
import { type Ip, tryParseIp } from '../../net/ip.ts';
import { fetchReadable, type Readable } from '../store/stored.ts';

/** Every address block, in the order of their keys. Throws `corrupt` for one that cannot be read. */
export async function readBlocks(datastore: Datastore, signal: AbortSignal): Promise<readonly Block[]> {
  const { kvs } = await datastore.list(BLOCKS_PREFIX, {}, signal);
  return kvs.map((kv) => readBlock(kv.key, kv.value));
}

/** A block as it is stored; throws `corrupt`, with its name and every issue. */
export function readBlock(key: string, text: string): Block {
  try {
    return parseBlock(text);
  } catch (error) {
    if (!isOcicatError(error)) throw error;
    const issues = error.issues.map(formatIssue).join('; ') || error.message;
    throw new OcicatError('corrupt', `read block "${key.slice(BLOCKS_PREFIX.length)}": ${issues}`, {
      issues: error.issues,
    });
  }
}

/** Pools that addresses come from, and those that cannot be read, which give none. */
export function readPools(datastore: Datastore, signal: AbortSignal): Promise<Readable<IPPool>> {
  return fetchReadable(datastore, ipPool, signal);
}

/** While a reservation cannot be read no address is given out, so that none of it is. */
export function readReservations(datastore: Datastore, signal: AbortSignal): Promise<Readable<IPReservation>> {
  return fetchReadable(datastore, ipReservation, signal);
}

export function rangesOf(reservations: readonly IPReservation[]): readonly Cidr[] {
  return reservations.flatMap(({ spec }) => spec.reservedCIDRs ?? []).flatMap((text) => tryParseCidrOrIp(text) ?? []);
}

/** An address on the command line; throws `invalid`. */
export function parseAddressArgument(text: string): Ip {
  const ip = tryParseIp(text);
  if (ip !== undefined) return ip;
  throw new OcicatError('invalid', `Error executing command: invalid IP address specified: ${text}`);
}
