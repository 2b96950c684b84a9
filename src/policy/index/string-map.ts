// A map from texts in half the memory of the engine's own or less, for those with an entry for each resource of the cluster: keys
// and values lie side by side, and a table of numbers says where. Entries come in no particular order.

/** Changed by the functions of this file alone. */
export interface StringMap<T extends object> {
  readonly keys: string[];
  readonly values: T[];
  /** Pairs: the hash of a key, and its entry's place, from 1 on; 0 where there is none. Never more than three quarters full. */
  slots: Uint32Array;
}

const FIRST_SLOTS = 4;
const NO_SLOTS = new Uint32Array(2);

export function createStringMap<T extends object>(): StringMap<T> {
  return { keys: [], values: [], slots: NO_SLOTS };
}

/** Spreads texts that differ in a letter or two over all 32 bits: FNV-1a, four characters at once, and a finalizer. */
function hashOf(text: string): number {
  let hash = text.length;
  let at = 0;
  for (; at + 3 < text.length; at += 4) {
    const low = text.charCodeAt(at) ^ (text.charCodeAt(at + 1) << 8);
    const high = text.charCodeAt(at + 2) ^ (text.charCodeAt(at + 3) << 8);
    hash = Math.imul(hash ^ low ^ (high << 16), 0x01000193);
    hash ^= hash >>> 15;
  }
  for (; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Index of the pair of this key, or of the empty one where it would go. */
function slotOf({ keys, slots }: StringMap<object>, key: string, hash: number): number {
  const mask = slots.length - 2;
  let slot = (hash * 2) & mask;
  for (let place = slots[slot + 1] ?? 0; place !== 0; place = slots[slot + 1] ?? 0) {
    if (slots[slot] === hash && keys[place - 1] === key) return slot;
    slot = (slot + 2) & mask;
  }
  return slot;
}

function resize(map: StringMap<object>, length: number): void {
  const former = map.slots;
  const slots = new Uint32Array(length);
  const mask = length - 2;
  for (let at = 0; at < former.length; at += 2) {
    const hash = former[at] ?? 0;
    const place = former[at + 1] ?? 0;
    if (place === 0) continue;
    let slot = (hash * 2) & mask;
    while (slots[slot + 1] !== 0) slot = (slot + 2) & mask;
    slots[slot] = hash;
    slots[slot + 1] = place;
  }
  map.slots = slots;
}

/** Empties a pair; those behind it that went there only because it was taken move up (Knuth, volume 3, 6.4, algorithm R). */
function emptySlot({ slots }: StringMap<object>, start: number): void {
  const mask = slots.length - 2;
  let hole = start;
  for (let slot = (hole + 2) & mask; slots[slot + 1] !== 0; slot = (slot + 2) & mask) {
    const hash = slots[slot] ?? 0;
    if (((slot - hash * 2) & mask) < ((slot - hole) & mask)) continue;
    slots[hole] = hash;
    slots[hole + 1] = slots[slot + 1] ?? 0;
    hole = slot;
  }
  slots[hole + 1] = 0;
}

export function getString<T extends object>(map: StringMap<T>, key: string): T | undefined {
  return map.values[(map.slots[slotOf(map, key, hashOf(key)) + 1] ?? 0) - 1];
}

export function setString<T extends object>(map: StringMap<T>, key: string, value: T): void {
  if ((map.keys.length + 1) * 8 > map.slots.length * 3) resize(map, Math.max(FIRST_SLOTS * 2, map.slots.length * 2));
  const hash = hashOf(key);
  const slot = slotOf(map, key, hash);
  const place = map.slots[slot + 1] || map.keys.push(key);
  map.slots[slot] = hash;
  map.slots[slot + 1] = place;
  map.values[place - 1] = value;
}

/** Removing what is not there changes nothing. The last entry takes the place of one that goes. */
export function deleteString<T extends object>(map: StringMap<T>, key: string): void {
  const { keys, values } = map;
  const slot = slotOf(map, key, hashOf(key));
  const place = map.slots[slot + 1] ?? 0;
  if (place === 0) return;
  emptySlot(map, slot);
  const lastKey = keys.at(-1);
  const lastValue = values.at(-1);
  if (place < keys.length && lastKey !== undefined && lastValue !== undefined) {
    map.slots[slotOf(map, lastKey, hashOf(lastKey)) + 1] = place;
    keys[place - 1] = lastKey;
    values[place - 1] = lastValue;
  }
  keys.pop();
  values.pop();
  if (keys.length * 16 < map.slots.length && map.slots.length > FIRST_SLOTS * 2) resize(map, map.slots.length / 2);
}
