// A rule as the kernel's message has it: compared in place with one that is wanted, and made into values only when it is another.
import { type AttributeKind, type AttributeValue, type Expression, schemas } from '../../nftables/expression.ts';
import { lowerRule } from '../../nftables/lower.ts';
import type { Rule } from '../../nftables/nft.ts';
import { endOfValue, findValue, isLatin1, nextValue, typeOfValue, valueAt } from './attribute-cursor.ts';
import { commentIn, decodeRule, decodeValue, readObject } from './decode.ts';

/** NFTA_RULE_EXPRESSIONS, NFTA_RULE_USERDATA, NFTA_EXPR_NAME, NFTA_EXPR_DATA, NFTA_DATA_VALUE of linux/netfilter/nf_tables.h. */
const EXPRESSIONS = 4;
const USERDATA = 7;
const NAME = 1;
const DATA = 2;
const VALUE = 1;

/** What follows the netlink header of a rule's message. */
export type RawRule = Uint8Array;

/** Behind family, version and resource. */
const ATTRIBUTES_AT = 4;

interface Slot {
  readonly name: string;
  readonly kind: AttributeKind;
}

/** Schemas by expression and number of the attribute. */
const slots: ReadonlyMap<string, readonly (Slot | undefined)[]> = new Map(
  [...schemas].map(([expression, attributes]) => {
    const byType: (Slot | undefined)[] = [];
    for (const { name, type, kind } of attributes) byType[type] = { name, kind };
    return [expression, byType];
  }),
);

function sameNumber(raw: RawRule, at: number, end: number, wanted: number): boolean {
  let value = 0;
  for (let each = at; each < end; each++) value = value * 256 + (raw[each] ?? 0);
  return value === wanted;
}

/** Bytes of data are as many as wanted; text has a zero behind it. */
function sameBytes(raw: RawRule, at: number, end: number, kind: AttributeKind, wanted: string): boolean {
  if (kind === 'text') return isLatin1(raw, at, end, wanted);
  if (kind === 'bytes') return end - at === wanted.length && isLatin1(raw, at, end, wanted);
  const inner = findValue(raw, VALUE, at, end);
  const innerEnd = inner === 0 ? 0 : endOfValue(raw, inner);
  return inner !== 0 && innerEnd - inner === wanted.length && isLatin1(raw, inner, innerEnd, wanted);
}

function sameValue(raw: RawRule, at: number, kind: AttributeKind, wanted: AttributeValue | undefined): boolean {
  const end = endOfValue(raw, at);
  if (typeof wanted === 'string' && kind !== 'element-limit') return sameBytes(raw, at, end, kind, wanted);
  if (typeof wanted === 'number') return sameNumber(raw, at, end, wanted);
  return JSON.stringify(decodeValue(kind, raw.subarray(at, end))) === JSON.stringify(wanted);
}

function sameValues(raw: RawRule, at: number, { name, values }: Expression): boolean {
  const known = slots.get(name) ?? [];
  const end = endOfValue(raw, at);
  let found = 0;
  for (let each = valueAt(raw, at, end); each !== 0; each = nextValue(raw, each, end)) {
    const slot = known[typeOfValue(raw, each)];
    if (slot === undefined) continue;
    if (!sameValue(raw, each, slot.kind, values[slot.name])) return false;
    found++;
  }
  return found === Object.keys(values).length;
}

function sameExpression(raw: RawRule, at: number, wanted: Expression): boolean {
  const end = endOfValue(raw, at);
  const name = findValue(raw, NAME, at, end);
  if (name === 0 || !isLatin1(raw, name, endOfValue(raw, name), wanted.name)) return false;
  const data = findValue(raw, DATA, at, end);
  return data === 0 ? Object.keys(wanted.values).length === 0 : sameValues(raw, data, wanted);
}

function sameExpressions(raw: RawRule, wanted: readonly Expression[]): boolean {
  const list = findValue(raw, EXPRESSIONS, ATTRIBUTES_AT, raw.length);
  const end = list === 0 ? 0 : endOfValue(raw, list);
  let at = valueAt(raw, list, end);
  for (const expression of wanted) {
    if (at === 0 || !sameExpression(raw, at, expression)) return false;
    at = nextValue(raw, at, end);
  }
  return at === 0;
}

function sameComment(raw: RawRule, wanted: string | undefined): boolean {
  const at = findValue(raw, USERDATA, ATTRIBUTES_AT, raw.length);
  return commentIn(at === 0 ? undefined : raw.subarray(at, endOfValue(raw, at))) === wanted;
}

/** Whether it does what the wanted one does, and carries the same comment. */
export function isRule(raw: RawRule, wanted: Rule): boolean {
  return sameExpressions(raw, lowerRule(wanted)) && sameComment(raw, wanted.comment);
}

/** What printRuleKey makes of it. */
export function keyOfRaw(raw: RawRule): string {
  return decodeRule(readObject(raw));
}
