// The elements of a set as the kernel's messages have them: compared in place with those that are wanted, and made into values
// only when they are others.
import { sameValue } from '../../nftables/editor.ts';
import type { Bytes, Elements } from '../../nftables/nft.ts';
import { endOfValue, findValue, latin1At, nextValue, valueAt } from './attribute-cursor.ts';
import { assembleElements, decodeElements, decodeElementValue, readObject, type SetShape } from './decode.ts';

/** NFTA_SET_ELEM_LIST_ELEMENTS, NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_DATA, NFTA_DATA_VALUE of linux/netfilter/nf_tables.h. */
const ELEMENTS = 3;
const KEY = 1;
const DATA = 2;
const VALUE = 1;
/** Behind family, version and resource. */
const ATTRIBUTES_AT = 4;

/** What follows the netlink headers of the messages that hold them. */
export type RawElements = readonly Uint8Array[];

function keyOf(raw: Uint8Array, element: number, end: number): Bytes {
  const key = findValue(raw, KEY, element, end);
  const value = key === 0 ? 0 : findValue(raw, VALUE, key, endOfValue(raw, key));
  return value === 0 ? '' : latin1At(raw, value, endOfValue(raw, value));
}

function holdsElement(raw: Uint8Array, element: number, wanted: Elements, isMap: boolean): boolean {
  const end = endOfValue(raw, element);
  const key = keyOf(raw, element, end);
  if (!isMap) return wanted.has(key);
  const data = findValue(raw, DATA, element, end);
  const value = data === 0 ? undefined : decodeElementValue(raw.subarray(data, endOfValue(raw, data)));
  return wanted.has(key) && sameValue(wanted.get(key), value);
}

/** How many elements a message has, if all of them are wanted; undefined when one is not. */
function countWanted(raw: Uint8Array, wanted: Elements, isMap: boolean): number | undefined {
  const list = findValue(raw, ELEMENTS, ATTRIBUTES_AT, raw.length);
  if (list === 0) return 0;
  const end = endOfValue(raw, list);
  let count = 0;
  for (let at = valueAt(raw, list, end); at !== 0; at = nextValue(raw, at, end)) {
    if (!holdsElement(raw, at, wanted, isMap)) return undefined;
    count++;
  }
  return count;
}

/** Whether these are all the elements there are; keys come once. False for sets of ranges, which say nothing in place. */
export function areElements({ interval, valueType }: SetShape, raw: RawElements, wanted: Elements): boolean {
  if (interval) return wanted.size === 0 && raw.length === 0;
  let count = 0;
  for (const each of raw) {
    const more = countWanted(each, wanted, valueType !== 0);
    if (more === undefined) return false;
    count += more;
  }
  return count === wanted.size;
}

/** As the pure part has them. */
export function valuesOfRaw(shape: SetShape, raw: RawElements): Elements {
  return assembleElements(
    shape,
    raw.flatMap((each) => decodeElements(readObject(each))),
  );
}
