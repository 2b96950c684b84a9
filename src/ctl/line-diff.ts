// Differences between two texts, line by line, as `diff -u` shows them.

type Edit = { readonly sign: ' ' | '-' | '+'; readonly line: string };

/** Lines around a change. */
const CONTEXT = 3;

function splitLines(text: string): readonly string[] {
  const lines = text.split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

/** Lengths of the longest common subsequences of the ends of both lists. */
function computeLengths(a: readonly string[], b: readonly string[]): readonly Uint32Array[] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    const row = lengths[i];
    const below = lengths[i + 1];
    if (row === undefined || below === undefined) continue;
    for (let j = b.length - 1; j >= 0; j--) {
      row[j] = a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return lengths;
}

function computeEdits(a: readonly string[], b: readonly string[]): readonly Edit[] {
  const lengths = computeLengths(a, b);
  const edits: Edit[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const [left, right] = [a[i], b[j]];
    if (left !== undefined && left === right) {
      edits.push({ sign: ' ', line: left });
      i++;
      j++;
    } else if (
      right === undefined ||
      (left !== undefined && (lengths[i + 1]?.[j] ?? 0) >= (lengths[i]?.[j + 1] ?? 0))
    ) {
      edits.push({ sign: '-', line: left ?? '' });
      i++;
    } else {
      edits.push({ sign: '+', line: right });
      j++;
    }
  }
  return edits;
}

/** Runs of edits that are near a change. */
function splitHunks(edits: readonly Edit[]): readonly (readonly [start: number, end: number])[] {
  const hunks: [number, number][] = [];
  for (const [index, edit] of edits.entries()) {
    if (edit.sign === ' ') continue;
    const start = Math.max(0, index - CONTEXT);
    const end = Math.min(edits.length, index + CONTEXT + 1);
    const last = hunks.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = end;
    else hunks.push([start, end]);
  }
  return hunks;
}

function count(edits: readonly Edit[], sign: '-' | '+'): number {
  return edits.filter((edit) => edit.sign === ' ' || edit.sign === sign).length;
}

/** The unified difference, with both names above it; empty text for equal texts. */
export function formatDiff(before: string, after: string, nameBefore: string, nameAfter: string): string {
  if (before === after) return '';
  const edits = computeEdits(splitLines(before), splitLines(after));
  const hunks = splitHunks(edits).map(([start, end]) => {
    const hunk = edits.slice(start, end);
    const skipped = edits.slice(0, start);
    const place = (sign: '-' | '+') => {
      const length = count(hunk, sign);
      return `${count(skipped, sign) + (length === 0 ? 0 : 1)},${length}`;
    };
    const lines = hunk.map((edit) => `${edit.sign}${edit.line}\n`).join('');
    return `@@ -${place('-')} +${place('+')} @@\n${lines}`;
  });
  return `--- ${nameBefore}\n+++ ${nameAfter}\n${hunks.join('')}`;
}
