// Which lines of two lists are not common to both, in space that grows with their lengths alone: E. Myers, "An O(ND)
// Difference Algorithm and Its Variations", Algorithmica 1 (1986), section 4b: two searches, one from each end, meet in the
// middle of a shortest way, and each half is compared by itself.

export interface LineEdits {
  /** 1 for each line of the first list that is not kept. */
  readonly removed: Uint8Array;
  /** 1 for each line of the second list that is new. */
  readonly added: Uint8Array;
}

/** So many lines of the first list and so many of the second lie before it. */
interface Point {
  readonly x: number;
  readonly y: number;
}

/** The part of both lists between two points. */
interface Box {
  readonly from: Point;
  readonly to: Point;
}

/** Both lists with a number for each different line, and how far a search has come on each diagonal x - y. */
interface Search {
  readonly a: Uint32Array;
  readonly b: Uint32Array;
  readonly forward: Int32Array;
  readonly backward: Int32Array;
  /** Where diagonal 0 is. */
  readonly origin: number;
}

/** The edits from each end after which a box is cut where the search has come furthest: the way is then not the shortest. */
const MAX_EDITS = 256;
/** Less than every place in a list, and still so after some steps; its negative is more. */
const NEVER = -(2 ** 30);

function numberLines(lines: readonly string[], numbers: Map<string, number>): Uint32Array {
  return Uint32Array.from(lines, (line) => {
    const number = numbers.get(line) ?? numbers.size;
    numbers.set(line, number);
    return number;
  });
}

/** The box without the lines that its lists begin and end with alike. */
function shrink({ a, b }: Search, { from, to }: Box): Box {
  let [x, y] = [from.x, from.y];
  while (x < to.x && y < to.y && a[x] === b[y]) [x, y] = [x + 1, y + 1];
  let [endX, endY] = [to.x, to.y];
  while (endX > x && endY > y && a[endX - 1] === b[endY - 1]) [endX, endY] = [endX - 1, endY - 1];
  return { from: { x, y }, to: { x: endX, y: endY } };
}

/** The diagonals of a box that `edits` edits lead to from one of them: every second one. */
function* diagonals({ from, to }: Box, middle: number, edits: number): Generator<number> {
  const [first, last] = [from.x - to.y, to.x - from.y];
  const skipped = Math.max(0, first - (middle - edits));
  for (let k = middle - edits + skipped + (skipped % 2); k <= Math.min(last, middle + edits); k += 2) yield k;
}

/** One more edit forwards, then the common lines after it; returns a point where the other search has been. */
function stepForward({ a, b, forward, backward, origin }: Search, box: Box, edits: number): Point | undefined {
  const { from, to } = box;
  for (const k of diagonals(box, from.x - from.y, edits)) {
    const at = origin + k;
    const [left, above] = [forward[at - 1] ?? NEVER, forward[at + 1] ?? NEVER];
    let x = Math.max(left < to.x ? left + 1 : NEVER, above - k <= to.y ? above : NEVER);
    while (x >= from.x && x < to.x && x - k < to.y && a[x] === b[x - k]) x++;
    forward[at] = x;
    if (x >= from.x && x >= (backward[at] ?? -NEVER)) return { x, y: x - k };
  }
  return undefined;
}

/** The same from the end. */
function stepBackward({ a, b, forward, backward, origin }: Search, box: Box, edits: number): Point | undefined {
  const { from, to } = box;
  for (const k of diagonals(box, to.x - to.y, edits)) {
    const at = origin + k;
    const [below, right] = [backward[at - 1] ?? -NEVER, backward[at + 1] ?? -NEVER];
    let x = Math.min(right > from.x ? right - 1 : -NEVER, below - k >= from.y ? below : -NEVER);
    while (x <= to.x && x > from.x && x - k > from.y && a[x - 1] === b[x - k - 1]) x--;
    backward[at] = x;
    if (x <= to.x && x <= (forward[at] ?? NEVER)) return { x, y: x - k };
  }
  return undefined;
}

/** Forgets what a search of another box has left on the diagonals that this one may come to, and begins at both ends. */
function beginSearch({ forward, backward, origin }: Search, { from, to }: Box): void {
  const [start, end] = [from.x - from.y, to.x - to.y];
  for (const frontier of [forward, backward])
    for (const middle of [start, end])
      frontier.fill(
        frontier === forward ? NEVER : -NEVER,
        Math.max(0, origin + middle - MAX_EDITS - 1),
        origin + middle + MAX_EDITS + 2,
      );
  forward[origin + start] = from.x;
  backward[origin + end] = to.x;
}

/** The point that `edits` edits forwards have brought furthest. */
function furthest({ forward, origin }: Search, box: Box, edits: number): Point {
  let best = box.from;
  for (const k of diagonals(box, box.from.x - box.from.y, edits)) {
    const x = forward[origin + k] ?? NEVER;
    if (2 * x - k > best.x + best.y) best = { x, y: x - k };
  }
  return best;
}

/** A point of a way through a box, neither its start nor its end; both lists of the box have lines. */
function splitPoint(search: Search, box: Box): Point {
  beginSearch(search, box);
  for (let edits = 1; edits <= MAX_EDITS; edits++) {
    const met = stepForward(search, box, edits) ?? stepBackward(search, box, edits);
    if (met !== undefined) return met;
  }
  return furthest(search, box, MAX_EDITS);
}

/** A shortest way from `before` to `after`, or one that is longer where more than 512 edits lie together. */
export function computeLineEdits(before: readonly string[], after: readonly string[]): LineEdits {
  const numbers = new Map<string, number>();
  const [a, b] = [numberLines(before, numbers), numberLines(after, numbers)];
  const size = a.length + b.length + 3;
  const search = { a, b, forward: new Int32Array(size), backward: new Int32Array(size), origin: b.length + 1 };
  const edits = { removed: new Uint8Array(a.length), added: new Uint8Array(b.length) };
  const boxes: Box[] = [{ from: { x: 0, y: 0 }, to: { x: a.length, y: b.length } }];
  for (let next = boxes.pop(); next !== undefined; next = boxes.pop()) {
    const box = shrink(search, next);
    const { from, to } = box;
    if (from.x === to.x) edits.added.fill(1, from.y, to.y);
    else if (from.y === to.y) edits.removed.fill(1, from.x, to.x);
    else {
      const middle = splitPoint(search, box);
      boxes.push({ from, to: middle }, { from: middle, to });
    }
  }
  return edits;
}
