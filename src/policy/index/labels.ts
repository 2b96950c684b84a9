// Labels of an endpoint in little memory: one flat array of interned strings in place of a map.
import type { LabelMap } from '../types/input.ts';

/** Name, value, name, value, …; each name once. */
export type PackedLabels = readonly string[];

export const NO_LABELS: PackedLabels = [];

/** Gives back one shared copy of equal strings, as long as they come often. */
export type Intern = (text: string) => string;

/** Distinct strings that an interner remembers before it starts over: rare ones must not pile up in it. */
const REMEMBERED_MAX = 8192;

export function createInterner(): Intern {
  const known = new Map<string, string>();
  return (text) => {
    const shared = known.get(text);
    if (shared !== undefined) return shared;
    if (known.size >= REMEMBERED_MAX) known.clear();
    known.set(text, text);
    return text;
  };
}

export function packLabels(labels: LabelMap, intern: Intern): PackedLabels {
  const names = Object.keys(labels);
  if (names.length === 0) return NO_LABELS;
  const packed = new Array<string>(names.length * 2);
  let at = 0;
  for (const name of names) {
    packed[at++] = intern(name);
    packed[at++] = intern(labels[name] ?? '');
  }
  return packed;
}

/** The value of a label; undefined when it is missing. */
export function findLabel(packed: PackedLabels, name: string): string | undefined {
  for (let at = 0; at < packed.length; at += 2) if (packed[at] === name) return packed[at + 1];
  return undefined;
}

/** The labels of `first`, and those of `second` whose name `first` lacks. */
export function mergeLabels(first: PackedLabels, second: PackedLabels): PackedLabels {
  const merged = [...first];
  for (let at = 0; at < second.length; at += 2) {
    const name = second[at] ?? '';
    if (findLabel(first, name) === undefined) merged.push(name, second[at + 1] ?? '');
  }
  return merged;
}

export function samePacked(a: PackedLabels, b: PackedLabels): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}
