// What one host remembers of the store for assigning addresses: pools, reservations, settings, its own labels,
// affinities and blocks. It saves reading, and decides nothing: every commit is conditioned on what was read.
import { isOcicatError, type OcicatError } from '../base/errors.ts';
import { affinityOf } from '../blocks/block.ts';
import { BLOCKS_PREFIX, printAffinityPrefix, printKey, printResourcePrefix, tryParseKey } from '../datastore/keys.ts';
import type { Datastore, Revision } from '../datastore/port.ts';
import type { Cidr } from '../net/cidr.ts';
import type { Memory, StoreUpdate } from './commit.ts';
import { ABSENT, type Cell } from './draft.ts';
import { type Pool, parseNodeLabels, parsePool, parseReservation } from './pool.ts';
import { DEFAULT_SETTINGS, type IpamSettings, parseIpamSettings } from './settings.ts';

export interface IpamView extends Memory {
  /** True when everything that concerns this host has come through `apply`: what is not known is absent then. */
  setInSync(inSync: boolean): void;
  readonly nodeName: string;
  /** In the order of their names, as Calico tries them. */
  pools(): readonly Pool[];
  /** Throws `corrupt` when one cannot be understood: an address that may be reserved must not be given out. */
  reservations(): readonly Cidr[];
  settings(): IpamSettings;
  /** undefined when the host has no Node. */
  nodeLabels(): ReadonlyMap<string, string> | undefined;
  /** Ranges, in text, of the blocks that this host has an affinity for or that name it, in the order of their keys. */
  ownBlocks(): readonly string[];
  /** Pools that could not be understood and are not used. */
  problems(): readonly OcicatError[];
}

/** A cell, and the newest revision that told about it: a deletion has one too. */
interface Entry extends Cell {
  readonly toldAt: Revision;
  /** What the value means, worked out when first asked for. */
  meaning?: unknown;
}

const POOLS = printResourcePrefix('IPPool');
const RESERVATIONS = printResourcePrefix('IPReservation');
const SETTINGS = printKey({ kind: 'ipam-config' });

function nameIn(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

/** Nothing is known until refresh or the first updates. */
export function openIpamView(datastore: Datastore, nodeName: string): IpamView {
  const entries = new Map<string, Entry>();
  const nodeKey = printKey({ kind: 'resource', resourceKind: 'Node', namespace: undefined, name: nodeName });
  const affinities = printAffinityPrefix({ kind: 'host', name: nodeName });
  const ownMark = `"affinity":${JSON.stringify(affinityOf(nodeName))}`;
  /** All keys under these are remembered, so that a missing one is known to be absent. */
  const followed = [POOLS, RESERVATIONS, affinities];
  let complete = false;

  function isWhollyFollowed(key: string): boolean {
    return key === SETTINGS || key === nodeKey || followed.some((prefix) => key.startsWith(prefix));
  }

  function concerns(update: StoreUpdate): boolean {
    if (isWhollyFollowed(update.key) || entries.has(update.key)) return true;
    return update.key.startsWith(BLOCKS_PREFIX) && (update.value?.includes(ownMark) ?? false);
  }

  function apply(update: StoreUpdate): void {
    const present = entries.get(update.key);
    if (!concerns(update) || (present !== undefined && present.toldAt >= update.modRevision)) return;
    const { value } = update;
    entries.set(update.key, {
      value,
      modRevision: value === undefined ? 0 : update.modRevision,
      toldAt: update.modRevision,
    });
  }

  /** The parsed value of an entry, kept beside it; a failure is kept as well. */
  function meaningOf<T>(key: string, parse: (text: string) => T): T | OcicatError | undefined {
    const entry = entries.get(key);
    if (entry?.value === undefined) return undefined;
    if (entry.meaning === undefined) {
      try {
        entry.meaning = parse(entry.value);
      } catch (error) {
        if (!isOcicatError(error)) throw error;
        entry.meaning = error;
      }
    }
    return entry.meaning as T | OcicatError;
  }

  function keysUnder(prefix: string): readonly string[] {
    return [...entries.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  function allUnder<T>(prefix: string, parse: (name: string, text: string) => T): readonly (T | OcicatError)[] {
    return keysUnder(prefix).flatMap((key) => {
      const meaning = meaningOf(key, (text) => parse(nameIn(key), text));
      return meaning === undefined ? [] : [meaning];
    });
  }

  function readOrThrow<T>(key: string, parse: (text: string) => T): T | undefined {
    const meaning = meaningOf(key, parse);
    if (isOcicatError(meaning)) throw meaning;
    return meaning;
  }

  /** Takes a whole listing: what is remembered under the prefix and is not in it has gone. */
  async function reread(prefix: string, signal: AbortSignal): Promise<void> {
    const { kvs, revision } = await datastore.list(prefix, {}, signal);
    const standing = new Set(kvs.map((kv) => kv.key));
    for (const key of keysUnder(prefix))
      if (!standing.has(key)) apply({ key, value: undefined, modRevision: revision });
    for (const kv of kvs) apply(kv);
  }

  async function rereadKey(key: string, signal: AbortSignal): Promise<void> {
    const { kv, revision } = await datastore.get(key, signal);
    apply(kv ?? { key, value: undefined, modRevision: revision });
  }

  function ownBlocks(): readonly string[] {
    const cidrs = new Set<string>();
    for (const key of [...keysUnder(affinities), ...keysUnder(BLOCKS_PREFIX)]) {
      const named = entries.get(key)?.value === undefined ? undefined : tryParseKey(key);
      if (named?.kind === 'affinity' || named?.kind === 'block') cidrs.add(named.cidr);
    }
    return [...cidrs].sort();
  }

  return {
    nodeName,
    apply,
    ownBlocks,
    setInSync(inSync) {
      complete = inSync;
    },
    known(key) {
      return entries.get(key) ?? (complete && isWhollyFollowed(key) ? ABSENT : undefined);
    },
    async refresh(signal) {
      await Promise.all([
        ...followed.map((prefix) => reread(prefix, signal)),
        rereadKey(SETTINGS, signal),
        rereadKey(nodeKey, signal),
      ]);
      await Promise.all(ownBlocks().map((cidr) => rereadKey(printKey({ kind: 'block', cidr }), signal)));
      complete = true;
    },
    pools: () => allUnder(POOLS, parsePool).filter((pool): pool is Pool => !isOcicatError(pool)),
    reservations() {
      const all = allUnder(RESERVATIONS, parseReservation);
      const [unreadable] = all.filter((meaning) => isOcicatError(meaning));
      if (unreadable !== undefined) throw unreadable;
      return all.flatMap((ranges) => (isOcicatError(ranges) ? [] : ranges));
    },
    settings: () => readOrThrow(SETTINGS, parseIpamSettings) ?? DEFAULT_SETTINGS,
    nodeLabels: () => readOrThrow(nodeKey, parseNodeLabels),
    problems: () => allUnder(POOLS, parsePool).filter((meaning) => isOcicatError(meaning)),
  };
}
