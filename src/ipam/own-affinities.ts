// A host's own blocks, looked after: what a stopped claim or release, Calico's or one of an earlier version, has left is made
// whole or given up, and empty blocks of pools that are not for this host any more go back.
import { isOcicatError, OcicatError } from '../base/errors.ts';
import { affinityOf, isEmpty } from '../blocks/block.ts';
import { parseBlock, printBlock } from '../blocks/block-json.ts';
import { cidrCovers, parseCidr } from '../net/cidr.ts';
import { matchSelector } from '../selector/match.ts';
import { parseAffinity, printAffinity } from './affinity.ts';
import { buildRelease } from './affinity-release.ts';
import { commitTransaction } from './commit.ts';
import type { Ipam } from './ipam.ts';
import { affinityKey, blockKey } from './own-block.ts';
import type { TransactionBuilder } from './transaction-builder.ts';
import type { IpamView } from './view.ts';

export interface OwnAffinities {
  /** Does what is still to be done since the last look: what is under way has its time until then. */
  look(signal: AbortSignal): Promise<void>;
}

export interface OwnAffinitiesPorts extends Ipam {
  /** Makes a commit depend on this host's having the node's name. */
  require(builder: TransactionBuilder): Promise<void>;
}

/** Whether block and record say the same, as far as the view knows. */
function isSettled(view: IpamView, cidr: string): boolean {
  const record = view.known(affinityKey({ kind: 'host', name: view.nodeName }, cidr))?.value;
  const block = view.known(blockKey(cidr))?.value;
  return block?.includes(`"${affinityOf(view.nodeName)}"`) === true && record !== undefined && isConfirmed(record);
}

function isConfirmed(record: string): boolean {
  try {
    return parseAffinity(record) === 'confirmed';
  } catch (error) {
    if (isOcicatError(error, 'corrupt')) return false;
    throw error;
  }
}

/** A block that is this host's gets its record; a record whose block is not this host's goes. */
async function buildSettled({ view }: Ipam, builder: TransactionBuilder, cidr: string): Promise<void> {
  const key = affinityKey({ kind: 'host', name: view.nodeName }, cidr);
  const record = await builder.get(key);
  const text = await builder.get(blockKey(cidr));
  const block = text === undefined ? undefined : parseBlock(text);
  if (block?.affinity !== affinityOf(view.nodeName)) {
    if (record !== undefined) builder.delete(key);
    return;
  }
  if (record !== undefined && isConfirmed(record)) return;
  builder.put(key, printAffinity('confirmed'));
  // whoever is about to release it sees another block
  builder.put(blockKey(cidr), printBlock({ ...block, sequenceNumber: block.sequenceNumber + 1n }));
}

/** Own blocks in no pool that selects this host. */
function foreignBlocks(view: IpamView): readonly string[] {
  const labels = view.nodeLabels();
  if (labels === undefined) return [];
  const mine = view.pools().filter((pool) => matchSelector(pool.nodeSelector, labels));
  return view.ownBlocks().filter((cidr) => !mine.some((pool) => cidrCovers(pool.cidr, parseCidr(cidr))));
}

function isEmptyBlock(text: string | undefined): boolean {
  return text === undefined || isEmpty(parseBlock(text));
}

export function createOwnAffinities(ports: OwnAffinitiesPorts): OwnAffinities {
  const { datastore, view } = ports;
  /** As the last look found them. */
  let [unsettled, foreign]: readonly ReadonlySet<string>[] = [new Set(), new Set()];

  /** What cannot be read is reported and left alone. */
  async function change(cidr: string, build: (builder: TransactionBuilder) => Promise<void>, signal: AbortSignal) {
    const guarded = async (builder: TransactionBuilder) => {
      await build(builder);
      if (builder.transaction.writes.length > 0) await ports.require(builder);
    };
    try {
      await commitTransaction(datastore, view, guarded, signal);
    } catch (cause) {
      if (!isOcicatError(cause)) throw cause;
      ports.report(new OcicatError(cause.code, `look after block "${cidr}"`, { cause, issues: cause.issues }));
    }
  }

  async function settle(cidr: string, signal: AbortSignal): Promise<void> {
    await change(cidr, (builder) => buildSettled(ports, builder, cidr), signal);
  }

  async function giveBack(cidr: string, signal: AbortSignal): Promise<void> {
    if (!isEmptyBlock(view.known(blockKey(cidr))?.value)) return;
    const one = { host: view.nodeName, cidr };
    await change(cidr, async (builder) => void (await buildRelease(builder, one, true)), signal);
  }

  return {
    async look(signal) {
      const again = (found: readonly string[], before: ReadonlySet<string> = new Set()) =>
        found.filter((cidr) => before.has(cidr));
      const now = view.ownBlocks().filter((cidr) => !isSettled(view, cidr));
      for (const cidr of again(now, unsettled)) await settle(cidr, signal);
      const strange = foreignBlocks(view);
      for (const cidr of again(strange, foreign)) await giveBack(cidr, signal);
      [unsettled, foreign] = [new Set(now), new Set(strange)];
    },
  };
}
