// The blocks that are this host's: those whose affinity is confirmed, and which say so themselves. Either alone is what a claim
// or a release that ended midway, or somebody's hand, has left: the range may be another host's, or come to be.
import { isOcicatError } from '../../base/errors.ts';
import { affinityOf } from '../../blocks/block.ts';
import { parseAffinity } from '../../ipam/affinity.ts';
import { parseFields } from '../../ipam/handle.ts';
import { type Cidr, parseCidr } from '../../net/cidr.ts';
import type { Log } from '../../sys/log.ts';

export interface OwnBlocks {
  /** Takes an affinity of this host in (undefined: gone). */
  setAffinity(cidr: string, value: string | undefined): void;
  /** Takes any block in; whether that changes whose it is. */
  setBlock(cidr: string, value: string | undefined): boolean;
  /** By their text, whatever the order in which they came. */
  sorted(): readonly Cidr[];
}

export function createOwnBlocks(nodeName: string, log: Log): OwnBlocks {
  const owner = affinityOf(nodeName);
  const affinities = new Set<string>();
  const blocks = new Set<string>();

  /** What cannot be read is nobody's, and the log says so. */
  function holds(what: string, cidr: string, read: () => boolean): boolean {
    try {
      return read();
    } catch (error) {
      if (!isOcicatError(error, 'corrupt')) throw error;
      log.error(`the ${what} ${cidr} cannot be used`, error);
      return false;
    }
  }

  return {
    setAffinity(cidr, value) {
      const isOwn = value !== undefined && holds('affinity of block', cidr, () => parseAffinity(value) === 'confirmed');
      if (isOwn) affinities.add(cidr);
      else affinities.delete(cidr);
    },
    setBlock(cidr, value) {
      // most blocks are other hosts', and are not parsed to find that out
      const mayBeOwn = value?.includes(owner) === true;
      const isOwn = mayBeOwn && holds('block', cidr, () => parseFields('block', value).affinity === owner);
      if (isOwn === blocks.has(cidr)) return false;
      if (isOwn) blocks.add(cidr);
      else blocks.delete(cidr);
      return true;
    },
    sorted: () =>
      [...affinities]
        .filter((cidr) => blocks.has(cidr))
        .sort()
        .map(parseCidr),
  };
}
