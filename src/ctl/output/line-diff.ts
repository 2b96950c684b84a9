// Differences between two texts, line by line, as `diff -u` shows them.

import { computeLineEdits } from './line-edits.ts';

type Edit = { readonly sign: ' ' | '-' | '+'; readonly line: string };

/** Lines around a change. */
const CONTEXT = 3;

function splitLines(text: string): readonly string[] {
  const lines = text.split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

/** Every line of both texts in turn; where lines are exchanged those that go come first. */
function computeEdits(a: readonly string[], b: readonly string[]): readonly Edit[] {
  const { removed, added } = computeLineEdits(a, b);
  const edits: Edit[] = [];
  let j = 0;
  const takeAdded = () => {
    for (; added[j] === 1; j++) edits.push({ sign: '+', line: b[j] ?? '' });
  };
  for (const [i, line] of a.entries()) {
    if (removed[i] === 1) {
      edits.push({ sign: '-', line });
      continue;
    }
    takeAdded();
    edits.push({ sign: ' ', line });
    j++;
  }
  takeAdded();
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

/** How many of the first edits, for each number of them, are lines of the text before (`-`) or after (`+`). */
function countLines(edits: readonly Edit[], sign: '-' | '+'): Uint32Array {
  const counts = new Uint32Array(edits.length + 1);
  for (const [index, edit] of edits.entries())
    counts[index + 1] = (counts[index] ?? 0) + (edit.sign === ' ' || edit.sign === sign ? 1 : 0);
  return counts;
}

/** Where a hunk begins in one text, from 1, and how many lines of it are in it. */
function formatRange(counts: Uint32Array, start: number, end: number): string {
  const [skipped = 0, reached = 0] = [counts[start], counts[end]];
  const length = reached - skipped;
  return `${skipped + (length === 0 ? 0 : 1)},${length}`;
}

/** The unified difference, with both names above it; empty text for equal texts. */
export function formatDiff(before: string, after: string, nameBefore: string, nameAfter: string): string {
  if (before === after) return '';
  const edits = computeEdits(splitLines(before), splitLines(after));
  const [old, now] = [countLines(edits, '-'), countLines(edits, '+')];
  const hunks = splitHunks(edits).map(([start, end]) => {
    const lines = edits.slice(start, end).map((edit) => `${edit.sign}${edit.line}\n`);
    return `@@ -${formatRange(old, start, end)} +${formatRange(now, start, end)} @@\n${lines.join('')}`;
  });
  return `--- ${nameBefore}\n+++ ${nameAfter}\n${hunks.join('')}`;
}
