// What one host remembers of the store for assigning addresses: pools, reservations, settings, its own labels,
// affinities and blocks. It saves reading, and decides nothing: every commit is conditioned on what was read.
import { isOcicatError, type OcicatError } from '../base/errors.ts';
import { affinityOf } from '../blocks/block.ts';
import { BLOCKS_PREFIX, printAffinityPrefix, printKey, printResourcePrefix, tryParseKey } from '../datastore/keys.ts';
import type { Datastore } from '../datastore/port.ts';
import type { StoreCache, StoreUpdate } from './commit.ts';
import { createKeyCache, type KeyCache } from './key-cache.ts';
import { type Pool, parseNodeLabels, parsePool, parseReservation, type Reservation } from './pool.ts';
import { type IpamSettings, parseCooldownSeconds, parseIpamSettings } from './settings.ts';
import { ABSENT } from './transaction-builder.ts';

export interface IpamView extends StoreCache {
  /**
   * True when everything that concerns this host has come through `apply`: what is not known is absent then. False says
   * that it begins to come again from the start.
   */
  setInSync(inSync: boolean): void;
  readonly nodeName: string;
  /** In the order of their names, as Calico tries them; without those that cannot be read. */
  pools(): readonly Pool[];
  /** Throws `corrupt` when one cannot be understood: an address that may be reserved must not be assigned. */
  reservations(): readonly Reservation[];
  /** Throws `corrupt` when they cannot be read. */
  settings(): IpamSettings;
  /** How long a released address rests, in seconds; the longest while the settings cannot be read. */
  cooldownSeconds(): number;
  /** undefined when the host has no Node. */
  nodeLabels(): ReadonlyMap<string, string> | undefined;
  /** Ranges, in text, of the blocks that this host has an affinity for or that name it, in the order of their keys. */
  ownBlocks(): readonly string[];
  /** Ranges, in text, of all blocks in which this host holds addresses for workloads whose interfaces others make. */
  blocksHeldForOthers(): readonly string[];
}

const POOLS = printResourcePrefix('IPPool');
const RESERVATIONS = printResourcePrefix('IPReservation');
const SETTINGS = printKey({ kind: 'ipam-config' });

function nameIn(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

type Meaning<T> = T | OcicatError;

/** Keeps a failure to understand as what a value means. */
function orError<T>(parse: (text: string) => T): (text: string) => Meaning<T> {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (isOcicatError(error)) return error;
      throw error;
    }
  };
}

function isUsable<T>(meaning: Meaning<T>): meaning is T {
  return !isOcicatError(meaning);
}

function allUnder<T>(cache: KeyCache, prefix: string, parse: (name: string, text: string) => T): readonly Meaning<T>[] {
  return cache.keysUnder(prefix).flatMap((key) => {
    const meaning = cache.meaningOf(
      key,
      orError((text) => parse(nameIn(key), text)),
    );
    return meaning === undefined ? [] : [meaning];
  });
}

function readOrThrow<T>(cache: KeyCache, key: string, parse: (text: string) => T): T | undefined {
  const meaning = cache.meaningOf(key, orError(parse));
  if (isOcicatError(meaning)) throw meaning;
  return meaning;
}

/** Of the host whose affinities these are, and those that are its without one. */
function ownBlocksIn(cache: KeyCache, affinities: string): readonly string[] {
  return cidrsIn([...cache.keysUnder(affinities), ...cache.keysUnder(BLOCKS_PREFIX)]);
}

/** Ranges that keys of affinities and blocks name, each once, in order. */
function cidrsIn(keys: readonly string[]): readonly string[] {
  const cidrs = keys.flatMap((key) => {
    const named = tryParseKey(key);
    return named?.kind === 'affinity' || named?.kind === 'block' ? [named.cidr] : [];
  });
  return [...new Set(cidrs)].sort();
}

/** Nothing is known until refresh or the first updates. */
export function openIpamView(datastore: Datastore, nodeName: string): IpamView {
  const cache = createKeyCache();
  const nodeKey = printKey({ kind: 'resource', resourceKind: 'Node', namespace: undefined, name: nodeName });
  const affinities = printAffinityPrefix({ kind: 'host', name: nodeName });
  const ownMark = `"affinity":${JSON.stringify(affinityOf(nodeName))}`;
  /** All keys under these are remembered, so that a missing one is known to be absent. */
  const followed = [POOLS, RESERVATIONS, affinities];
  /** By their keys; most blocks are not parsed to find that out. */
  const heldForOthers = new Set<string>();
  const marksOfHeld = [`"node":${JSON.stringify(nodeName)}`, '"interface":'];
  let complete = false;

  function noteHeld({ key, value }: StoreUpdate): void {
    if (!key.startsWith(BLOCKS_PREFIX)) return;
    if (marksOfHeld.every((mark) => value?.includes(mark))) heldForOthers.add(key);
    else heldForOthers.delete(key);
  }

  function isWhollyFollowed(key: string): boolean {
    return key === SETTINGS || key === nodeKey || followed.some((prefix) => key.startsWith(prefix));
  }

  function isRelevant({ key, value }: StoreUpdate): boolean {
    if (isWhollyFollowed(key) || cache.has(key)) return true;
    return key.startsWith(BLOCKS_PREFIX) && (value?.includes(ownMark) ?? false);
  }

  const ownBlocks = () => ownBlocksIn(cache, affinities);
  return {
    nodeName,
    ownBlocks,
    blocksHeldForOthers: () => cidrsIn([...heldForOthers]),
    apply(update) {
      noteHeld(update);
      if (isRelevant(update)) cache.apply(update);
    },
    known: (key) => cache.get(key) ?? (complete && isWhollyFollowed(key) ? ABSENT : undefined),
    setInSync(inSync) {
      complete = inSync;
      if (inSync) return cache.endListing();
      heldForOthers.clear();
      cache.beginListing();
    },
    async refresh(signal) {
      await Promise.all([
        ...followed.map((prefix) => cache.reread(datastore, prefix, signal)),
        ...[SETTINGS, nodeKey].map((key) => cache.rereadKey(datastore, key, signal)),
      ]);
      const blocks = ownBlocks().map((cidr) => printKey({ kind: 'block', cidr }));
      await Promise.all(blocks.map((key) => cache.rereadKey(datastore, key, signal)));
      complete = true;
    },
    pools: () => allUnder(cache, POOLS, parsePool).filter(isUsable),
    reservations() {
      const all = allUnder(cache, RESERVATIONS, parseReservation);
      const unreadable = all.find((meaning) => isOcicatError(meaning));
      if (isOcicatError(unreadable)) throw unreadable;
      return all.filter(isUsable);
    },
    cooldownSeconds: () => parseCooldownSeconds(cache.get(SETTINGS)?.value),
    settings: () => readOrThrow(cache, SETTINGS, parseIpamSettings) ?? parseIpamSettings(undefined),
    nodeLabels: () => readOrThrow(cache, nodeKey, (text) => parseNodeLabels(nodeName, text)),
  };
}
