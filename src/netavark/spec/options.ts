// What a network is told by `podman network create --opt NAME=VALUE`: each acts, and one that is not known is refused.

import { resourceName } from '../../model/meta/names.ts';
import { cidrFamily, tryParseCidr } from '../../net/cidr.ts';
import type { Family } from '../../net/ip.ts';
import type { Report } from '../../schema/schema.ts';

export interface NetworkOptions {
  /** Ranges or names of pools; empty: those that select the node. */
  readonly pools: Readonly<Record<Family, readonly string[]>>;
  /** undefined: what the agent finds. */
  readonly mtuBytes: number | undefined;
}

const POOLS: Readonly<Record<Family, string>> = { 4: 'ipv4_pools', 6: 'ipv6_pools' };
const MTU = 'mtu';
const KNOWN: readonly string[] = [MTU, POOLS[4], POOLS[6]];

function isPool(text: string, family: Family): boolean {
  const cidr = tryParseCidr(text);
  return cidr === undefined ? resourceName.read(text) !== undefined : cidrFamily(cidr) === family;
}

function readPools(text: string, family: Family, report: Report): readonly string[] {
  const pools = text.split(',').map((part) => part.trim());
  if (pools.every((pool) => isPool(pool, family))) return pools;
  report(`options.${POOLS[family]}`, `names or ranges of IPv${family} pools, joined by ","`, JSON.stringify(text));
  return [];
}

function readMtu(text: string, report: Report): number | undefined {
  const mtuBytes = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (mtuBytes >= 68 && mtuBytes <= 65_535) return mtuBytes;
  report(`options.${MTU}`, 'a whole number of bytes from 68 to 65535', JSON.stringify(text));
  return undefined;
}

/** Reports every option that is not known or says what cannot be. */
export function readOptions(options: Readonly<Record<string, string>>, report: Report): NetworkOptions {
  for (const name of Object.keys(options))
    if (!KNOWN.includes(name)) report('options', `${KNOWN.join(', ')} and nothing else`, JSON.stringify(name));
  const [four, six, mtu] = [options[POOLS[4]], options[POOLS[6]], options[MTU]];
  return {
    pools: {
      4: four === undefined ? [] : readPools(four, 4, report),
      6: six === undefined ? [] : readPools(six, 6, report),
    },
    mtuBytes: mtu === undefined ? undefined : readMtu(mtu, report),
  };
}
