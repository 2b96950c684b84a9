// Labels in little memory: the names as a list that all who have the same names share, the values as one text.
import type { LabelMap } from '../types/input.ts';

export interface PackedLabels {
  /** Each once. */
  readonly names: readonly string[];
  /** The length of each value in two characters, then the values; a byte a character where no value needs more. */
  readonly text: string;
}

export const NO_LABELS: PackedLabels = { names: [], text: '' };

/** Gives back one shared copy of equal lists of names, as long as they come often. */
export type InternNames = (names: readonly string[]) => readonly string[];

/** Distinct lists that are remembered before it starts over: rare ones must not pile up. */
const REMEMBERED_MAX = 8192;

function lengthText(length: number): string {
  return String.fromCharCode(length >>> 16, length & 0xffff);
}

/** The texts of most lengths. */
const SHORT = Array.from({ length: 64 }, (_, length) => lengthText(length));

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((name, at) => name === b[at]));
}

export function createNameInterner(): InternNames {
  const known = new Map<string, readonly string[]>();
  let last: readonly string[] = [];
  return (names) => {
    if (sameNames(last, names)) return last;
    const key = names.join('\n');
    const shared = known.get(key);
    last = shared !== undefined && sameNames(shared, names) ? shared : names;
    if (shared !== undefined) return last;
    if (known.size >= REMEMBERED_MAX) known.clear();
    known.set(key, names);
    return names;
  };
}

function pack(names: readonly string[], values: readonly string[]): PackedLabels {
  const parts: string[] = [];
  for (const { length } of values) parts.push(SHORT[length] ?? lengthText(length));
  return { names, text: parts.concat(values).join('') };
}

export function packLabels(labels: LabelMap, intern: InternNames): PackedLabels {
  const names = Object.keys(labels);
  if (names.length === 0) return NO_LABELS;
  return pack(
    intern(names),
    names.map((name) => labels[name] ?? ''),
  );
}

function lengthAt(text: string, place: number): number {
  return text.charCodeAt(place * 2) * 0x10000 + text.charCodeAt(place * 2 + 1);
}

/** The value of the name at this place of the list. */
export function valueAt({ names, text }: PackedLabels, place: number): string {
  let start = names.length * 2;
  for (let at = 0; at < place; at++) start += lengthAt(text, at);
  return text.slice(start, start + lengthAt(text, place));
}

/** The value of a label; undefined when it is missing. */
export function findLabel(packed: PackedLabels, name: string): string | undefined {
  const place = packed.names.indexOf(name);
  return place < 0 ? undefined : valueAt(packed, place);
}

/** The labels of `first`, and those of `second` whose name `first` lacks. */
export function mergeLabels(first: PackedLabels, second: PackedLabels, intern: InternNames): PackedLabels {
  if (first.names.length === 0) return second;
  const more = [...second.names.keys()].filter((place) => !first.names.includes(second.names[place] ?? ''));
  const names = [...first.names, ...more.map((place) => second.names[place] ?? '')];
  const values = [...first.names.keys()].map((place) => valueAt(first, place));
  return pack(intern(names), [...values, ...more.map((place) => valueAt(second, place))]);
}

export function samePacked(a: PackedLabels, b: PackedLabels): boolean {
  return a.text === b.text && sameNames(a.names, b.names);
}
