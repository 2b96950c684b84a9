// The policies of one tier of an endpoint, merged: what has one action in one layer is a run, and the boxes of one shape in a run are
// one set. Another policy changes its own elements.
import type { RulesetEditor } from '../nftables/editor.ts';
import type { Bytes, SetSpec } from '../nftables/nft.ts';
import type { RuleListId } from '../policy/types/types.ts';
import type { Box, Shape } from './merge/box.ts';
import { computeLayers } from './merge/layers.ts';
import type { MergedAction, Segment } from './merge/segment.ts';
import * as names from './names.ts';

/** Whose tier it is, so that its sets keep their names while its policies change. */
export interface TierOwner {
  readonly owner: string;
  /** Its place among the tiers. */
  readonly tier: number;
}

export interface RunSet {
  readonly shape: Shape;
  /** Undefined where the shape has no fields, so that every packet of the family is in it. */
  readonly set: SetSpec | undefined;
  /** Of one without fields: whose it is. */
  readonly owner?: string | undefined;
}

export interface Run {
  readonly action: MergedAction | undefined;
  readonly sets: readonly RunSet[];
  /** Lists that have chains of their own, in order. */
  readonly called: readonly RuleListId[];
}

export interface MergedTier {
  /** Changes what differs from the segments before; they are those of the lists, in order. */
  update(segmentsOf: (id: RuleListId) => readonly Segment[], lists: readonly RuleListId[]): void;
  /**
   * Other segments of one of the lists, where no more than elements follows from them: all of the tier do the same before and after,
   * in sets that are there. False where that is not so: then all is to be updated.
   */
  tryReplace(id: RuleListId, segments: readonly Segment[]): boolean;
  runs(): readonly Run[];
  /** Takes its sets away. */
  remove(): void;
}

interface Placed {
  readonly segment: Segment;
  readonly layer: number;
}

interface CountedSet extends RunSet {
  readonly run: string;
  /** Whose boxes are the same. */
  readonly owners: Map<Bytes, readonly string[]>;
}

/** What is merged has so many policies to a run at least. */
const LISTS_OF_RUN = 2;

const DECIDES = { allow: 'accept', deny: 'drop', pass: 'return' } as const;

function countRuns(placed: readonly Placed[]): number {
  return new Set(placed.map(({ layer, segment }) => runOf(layer, segment.action))).size;
}

/** Where actions alternate all the time, sets of one element each would be more than the chains of the policies. */
function placeAll(segments: readonly Segment[], lists: readonly RuleListId[]): readonly Placed[] {
  const layers = computeLayers(segments);
  const placed = segments.map((segment, index) => ({ segment, layer: layers[index] ?? 0 }));
  return countRuns(placed) * LISTS_OF_RUN <= lists.length ? placed : lists.map(callOnly);
}

function callOnly(id: RuleListId, layer: number): Placed {
  return { segment: { action: undefined, boxes: [], reaches: [], called: id }, layer };
}

/** What has one action in one layer. */
function runOf(layer: number, action: MergedAction | undefined): string {
  return `${layer} ${action}`;
}

interface OpenRun {
  readonly action: MergedAction | undefined;
  readonly layer: number;
  readonly sets: RunSet[];
  readonly called: RuleListId[];
}

/** Within a layer the order of actions does not matter, but one order is one text of rules. */
function inOrder(runs: readonly OpenRun[]): readonly OpenRun[] {
  return runs.toSorted((a, b) => a.layer - b.layer || (`${a.action}` < `${b.action}` ? -1 : 1));
}

function lacking(from: readonly Placed[], other: readonly Placed[]): readonly Placed[] {
  const layers = new Map(other.map(({ segment, layer }) => [segment, layer]));
  return from.filter(({ segment, layer }) => layers.get(segment) !== layer);
}

/** Whether all do one thing, so that none of them has to be asked before another. */
function isOneRun(placed: readonly Placed[]): boolean {
  const [first] = placed;
  return first?.segment.action !== undefined && placed.every(({ segment }) => segment.action === first.segment.action);
}

/** Where the segments of a list are. */
interface Span {
  readonly start: number;
  readonly count: number;
}

function spansOf(lists: readonly RuleListId[], each: readonly (readonly Segment[])[]): ReadonlyMap<RuleListId, Span> {
  const spans = new Map<RuleListId, Span>();
  let start = 0;
  for (const [index, id] of lists.entries()) {
    const count = each[index]?.length ?? 0;
    spans.set(id, { start, count });
    start += count;
  }
  return spans;
}

/** A segment is in a tier once: what is in both at the same place stays. */
function compare(before: readonly Placed[], after: readonly Placed[]) {
  return { removed: lacking(before, after), added: lacking(after, before) };
}

export function createMergedTier(editor: RulesetEditor, place: TierOwner): MergedTier {
  let placed: Placed[] = [];
  let hasOneRun = false;
  let spans: ReadonlyMap<RuleListId, Span> = new Map();
  const sets = new Map<string, CountedSet>();

  function specOf(layer: number, action: MergedAction, shape: Shape): SetSpec {
    const { owner, tier } = place;
    return {
      name: names.mergedSet(action, JSON.stringify([owner, tier, layer, shape.id])),
      key: shape.key,
      interval: false,
      verdicts: false,
      decides: DECIDES[action],
      comment: names.commentOf(`${owner}, tier ${tier + 1}`),
    };
  }

  function open(layer: number, action: MergedAction, shape: Shape): CountedSet {
    const run = runOf(layer, action);
    const id = `${run} ${shape.id}`;
    const present = sets.get(id);
    if (present !== undefined) return present;
    const set = shape.fields.length === 0 ? undefined : specOf(layer, action, shape);
    if (set !== undefined) editor.addSet(set);
    const counted: CountedSet = { run, shape, set, owners: new Map() };
    sets.set(id, counted);
    return counted;
  }

  /** One of several owners counts for all: the first by name, whoever came first. */
  function setOwners({ owners, set }: CountedSet, key: Bytes, next: readonly string[]): void {
    const first = next.toSorted()[0];
    if (first === undefined) owners.delete(key);
    else owners.set(key, next);
    if (set === undefined) return;
    if (first === undefined) editor.removeElement(set.name, key);
    else editor.setElement(set.name, key, { kind: 'comment', text: first });
  }

  function add(set: CountedSet, { key, owner }: Box): void {
    setOwners(set, key, [...(set.owners.get(key) ?? []), owner]);
  }

  function remove(set: CountedSet, { key, owner }: Box): void {
    const owners = set.owners.get(key) ?? [];
    setOwners(set, key, owners.toSpliced(owners.indexOf(owner), 1));
  }

  function forEachBox(list: readonly Placed[], take: (set: CountedSet, box: Box) => void): void {
    for (const { segment, layer } of list) {
      const { action, boxes } = segment;
      if (action !== undefined) for (const box of boxes) take(open(layer, action, box.shape), box);
    }
  }

  function closeEmpty(): void {
    for (const [id, { owners, set }] of sets) {
      if (owners.size > 0) continue;
      sets.delete(id);
      if (set !== undefined) editor.removeSet(set.name);
    }
  }

  /** Whether no rule is another when one segment takes the other's place. */
  function isElementsOnly({ action, called, boxes }: Segment, after: Segment | undefined): boolean {
    const isPresent = ({ shape }: Box) => sets.get(`${runOf(0, action)} ${shape.id}`)?.set !== undefined;
    if (after === undefined || action !== after.action || called !== after.called) return false;
    return boxes.every(isPresent) && after.boxes.every(isPresent);
  }

  return {
    tryReplace(id, segments) {
      const span = spans.get(id);
      if (!hasOneRun || span?.count !== segments.length) return false;
      const before = placed.slice(span.start, span.start + span.count);
      if (!before.every(({ segment }, at) => isElementsOnly(segment, segments[at]))) return false;
      const after = segments.map((segment): Placed => ({ segment, layer: 0 }));
      placed.splice(span.start, span.count, ...after);
      forEachBox(after, add);
      forEachBox(before, remove);
      return [...sets.values()].every(({ owners }) => owners.size > 0);
    },
    /** What comes is added before what goes is taken away, so that what is in both stays. */
    update(segmentsOf, lists) {
      const each = lists.map(segmentsOf);
      const next = placeAll(each.flat(), lists);
      const { removed, added } = compare(placed, next);
      placed = [...next];
      hasOneRun = isOneRun(placed);
      spans = spansOf(lists, each);
      forEachBox(added, add);
      forEachBox(removed, remove);
      closeEmpty();
    },
    runs() {
      const runs = new Map<string, OpenRun>();
      for (const { segment, layer } of placed) {
        const { action, called } = segment;
        const run = runs.get(runOf(layer, action)) ?? { action, layer, sets: [], called: [] };
        runs.set(runOf(layer, action), run);
        if (called !== undefined) run.called.push(called);
      }
      for (const { run, shape, set, owners } of sets.values())
        runs.get(run)?.sets.push({ shape, set, owner: set === undefined ? owners.get('')?.toSorted()[0] : undefined });
      for (const { sets: own } of runs.values()) own.sort((a, b) => (a.shape.id < b.shape.id ? -1 : 1));
      return inOrder([...runs.values()]);
    },
    remove() {
      placed = [];
      for (const { set } of sets.values()) if (set !== undefined) editor.removeSet(set.name);
      sets.clear();
    },
  };
}
