// Reads rules of nftables that others have made, as far as it matters to forwarded packets of workloads.
import type { Family } from '../../net/ip.ts';
import { INTERFACE_NAME_BYTES, maskBytes, numberOfBytes } from '../../nftables/bytes.ts';
import type { AttributeValue, Expression } from '../../nftables/expression.ts';
import type { Bytes, Verdict } from '../../nftables/nft.ts';
import { type ForwardAction, type ForwardCondition, type Span, spanOfName } from './filter.ts';

/** One element of a set or verdict map. */
export interface ForwardElement {
  readonly keys: Span;
  readonly verdict: Verdict | undefined;
}

/** What a rule cannot be read without. */
export interface ForwardLookups {
  /** The elements of a set of the rule's table. */
  elementsOf(set: string): readonly ForwardElement[];
  /** The name of the interface with that index; undefined when there is none. */
  interfaceName(index: number): string | undefined;
}

/** A rule with a verdict map is several of these. */
export interface ForwardReading {
  readonly conditions: readonly ForwardCondition[];
  readonly action: ForwardAction;
}

/** What a register holds; `mask` is of the bits that are looked at. */
type Load =
  | { readonly kind: 'interface'; readonly direction: 'in' | 'out'; readonly by: 'name' | 'index' }
  | {
      readonly kind: 'address';
      readonly side: 'source' | 'destination';
      readonly family: Family;
      readonly mask: Bytes | undefined;
    }
  | { readonly kind: 'family' }
  | { readonly kind: 'state'; readonly mask: number | undefined }
  | { readonly kind: 'other' };

/** NFT_META_… and NFT_CT_STATE of linux/netfilter/nf_tables.h; NF_CT_STATE_BIT(IP_CT_NEW) of nf_conntrack_common.h. */
const META_LOADS: ReadonlyMap<number, Load> = new Map<number, Load>([
  [4, { kind: 'interface', direction: 'in', by: 'index' }],
  [5, { kind: 'interface', direction: 'out', by: 'index' }],
  [6, { kind: 'interface', direction: 'in', by: 'name' }],
  [7, { kind: 'interface', direction: 'out', by: 'name' }],
  [15, { kind: 'family' }],
]);
const CT_STATE = 0;
const STATE_NEW = 8;

/** By offset in the network header (RFC 791, RFC 8200): no two of them are the same. */
const ADDRESS_LOADS: ReadonlyMap<number, Load> = new Map<number, Load>([
  [12, { kind: 'address', side: 'source', family: 4, mask: undefined }],
  [16, { kind: 'address', side: 'destination', family: 4, mask: undefined }],
  [8, { kind: 'address', side: 'source', family: 6, mask: undefined }],
  [24, { kind: 'address', side: 'destination', family: 6, mask: undefined }],
]);
const NETWORK_HEADER = 1;
const VERDICT_REGISTER = 0;
const LTE = 3;
const GTE = 5;
const OTHER = { kind: 'other' } as const;

/** Expressions that look at nothing and end nothing. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'counter',
  'log',
  'notrack',
  'objref',
  'last',
  'dup',
  'flow_offload',
  'target',
]);
/** A program decides about the packet. */
const HANDED_ON: ReadonlySet<string> = new Set(['queue', 'NFQUEUE']);

function reverse(bytes: Bytes): Bytes {
  return [...bytes].reverse().join('');
}

/** Of four bytes in the host's order, which is little-endian wherever this runs. */
function hostNumber(bytes: Bytes): number {
  return numberOfBytes(reverse(bytes));
}

function loadOf({ name, values }: Expression): Load {
  if (name === 'meta') return META_LOADS.get(Number(values.key)) ?? OTHER;
  if (name === 'ct') return values.key === CT_STATE ? { kind: 'state', mask: undefined } : OTHER;
  if (name !== 'payload' || values.base !== NETWORK_HEADER) return OTHER;
  return ADDRESS_LOADS.get(Number(values.offset)) ?? OTHER;
}

function maskLoad(load: Load, mask: Bytes): Load {
  if (load.kind === 'address') return { ...load, mask };
  return load.kind === 'state' ? { ...load, mask: hostNumber(mask) } : OTHER;
}

/** The addresses that begin with these bytes, or have them under a mask; undefined for a mask that is no prefix. */
function addressSpan(family: Family, value: Bytes, mask: Bytes | undefined): Span | undefined {
  const length = family === 4 ? 4 : 16;
  if (mask === undefined) return { first: value.padEnd(length, '\0'), last: value.padEnd(length, '\xff') };
  const prefixLength = [...mask].reduce(
    (sum, byte) => sum + byte.charCodeAt(0).toString(2).replaceAll('0', '').length,
    0,
  );
  if (mask !== maskBytes(prefixLength, mask.length)) return undefined;
  const last = [...value].map((byte, at) => String.fromCharCode(byte.charCodeAt(0) | (~mask.charCodeAt(at) & 255)));
  return { first: value.padEnd(length, '\0'), last: last.join('').padEnd(length, '\xff') };
}

function compareInterface(
  { direction, by }: Extract<Load, { kind: 'interface' }>,
  value: Bytes,
  negated: boolean,
  lookups: ForwardLookups,
): ForwardCondition {
  const name = by === 'name' ? value : lookups.interfaceName(hostNumber(value));
  if (name === undefined) return OTHER;
  const end = name.indexOf('\0');
  const isPrefix = by === 'name' && end < 0 && name.length < INTERFACE_NAME_BYTES;
  return { kind: 'interface', direction, names: [spanOfName(end < 0 ? name : name.slice(0, end), isPrefix)], negated };
}

function compareState(mask: number | undefined, value: Bytes, negated: boolean): ForwardCondition {
  const wanted = hostNumber(value);
  return { kind: 'state', opening: ((STATE_NEW & (mask ?? ~0)) === wanted) !== negated };
}

function compare(load: Load, value: Bytes, negated: boolean, lookups: ForwardLookups): ForwardCondition {
  switch (load.kind) {
    case 'interface':
      return compareInterface(load, value, negated, lookups);
    case 'address': {
      const span = addressSpan(load.family, value, load.mask);
      return span === undefined ? OTHER : { ...load, ranges: [span], negated };
    }
    case 'family':
      return { kind: 'family', family: value.charCodeAt(0) === 2 ? 4 : 6, negated };
    case 'state':
      return compareState(load.mask, value, negated);
    case 'other':
      return OTHER;
  }
}

/** Being among these elements of a set, or among none of them. */
function conditionOf(load: Load, keys: readonly Span[], negated: boolean): ForwardCondition {
  const length = keys[0]?.first.length;
  if (load.kind === 'interface' && load.by === 'name' && length === INTERFACE_NAME_BYTES)
    return { kind: 'interface', direction: load.direction, names: keys, negated };
  if (load.kind === 'address' && length === (load.family === 4 ? 4 : 16)) return { ...load, ranges: keys, negated };
  if (load.kind === 'state') return { kind: 'state', opening: keys.some(hasNew) !== negated };
  return OTHER;
}

/** One end of a range of addresses is given: NFT_CMP_LTE or NFT_CMP_GTE. */
function bound(load: Load, op: number, value: Bytes): ForwardCondition {
  if (load.kind !== 'address' || load.mask !== undefined || (op !== LTE && op !== GTE)) return OTHER;
  const lowest = '\0'.repeat(value.length);
  const highest = '\xff'.repeat(value.length);
  return conditionOf(load, [op === LTE ? { first: lowest, last: value } : { first: value, last: highest }], false);
}

function hasNew({ first }: Span): boolean {
  return hostNumber(first) === STATE_NEW;
}

/** Reads one rule. */
export function readForwardRule(
  expressions: readonly Expression[],
  lookups: ForwardLookups,
): readonly ForwardReading[] {
  const registers = new Map<AttributeValue | undefined, Load>();
  const conditions: ForwardCondition[] = [];
  const readings: ForwardReading[] = [];
  let action: ForwardAction = { kind: 'continue' };

  function takeLookup({ values }: Expression): void {
    const load = registers.get(values.sreg) ?? OTHER;
    const elements = lookups.elementsOf(String(values.set));
    if (values.dreg !== VERDICT_REGISTER) {
      conditions.push(
        conditionOf(
          load,
          elements.map(({ keys }) => keys),
          values.flags === 1,
        ),
      );
      return;
    }
    for (const { keys, verdict } of elements) {
      if (verdict === undefined) continue;
      readings.push({ conditions: [...conditions, conditionOf(load, [keys], false)], action: verdict });
    }
  }

  function take(expression: Expression): void {
    const { name, values } = expression;
    if (name === 'cmp') {
      const load = registers.get(values.sreg) ?? OTHER;
      const data = String(values.data);
      const isEquality = values.op === 0 || values.op === 1;
      conditions.push(
        isEquality ? compare(load, data, values.op === 1, lookups) : bound(load, Number(values.op), data),
      );
    } else if (name === 'range') {
      const span = { first: String(values.first), last: String(values.last) };
      conditions.push(conditionOf(registers.get(values.sreg) ?? OTHER, [span], values.op === 1));
    } else if (name === 'bitwise') {
      registers.set(values.dreg, maskLoad(registers.get(values.sreg) ?? OTHER, String(values.mask)));
    } else if (name === 'lookup') takeLookup(expression);
    else if (name === 'immediate' && typeof values.value === 'object') action = values.value;
    else if (name === 'reject' || values.name === 'REJECT') action = { kind: 'drop' };
    else if (HANDED_ON.has(name) || HANDED_ON.has(String(values.name))) action = { kind: 'accept' };
    else if (values.dreg !== undefined) registers.set(values.dreg, loadOf(expression));
    else if (name === 'match' ? values.name !== 'comment' : !isIdle(expression)) conditions.push(OTHER);
  }

  for (const expression of expressions) take(expression);
  return [...readings, { conditions, action }];
}

/** What sets a mark of the packet or the flow looks at nothing either. */
function isIdle({ name, values }: Expression): boolean {
  return WITHOUT_EFFECT.has(name) || name === 'immediate' || (name === 'meta' && values.sreg !== undefined);
}
