// Rules as the kernel holds them: lists of expressions over registers, and the attributes each kind of expression has.
import type { Bytes, Verdict } from './nft.ts';

export type AttributeKind = 'u8' | 'be16' | 'be32' | 'be64' | 'text' | 'bytes' | 'data' | 'verdict' | 'element-limit';

interface AttributeSpec {
  readonly name: string;
  /** Number of the netlink attribute. */
  readonly type: number;
  readonly kind: AttributeKind;
}

function attributes(
  spec: Readonly<Record<string, readonly [type: number, kind: AttributeKind]>>,
): readonly AttributeSpec[] {
  return Object.entries(spec).map(([name, [type, kind]]) => ({ name, type, kind }));
}

/**
 * The attributes that say what an expression does, by name of the expression (include/uapi/linux/netfilter/nf_tables.h).
 * A counter's packets and bytes are left out: they do not make it another rule.
 */
export const schemas: ReadonlyMap<string, readonly AttributeSpec[]> = new Map([
  ['meta', attributes({ dreg: [1, 'be32'], key: [2, 'be32'], sreg: [3, 'be32'] })],
  ['ct', attributes({ dreg: [1, 'be32'], key: [2, 'be32'], direction: [3, 'u8'] })],
  ['fib', attributes({ dreg: [1, 'be32'], result: [2, 'be32'], flags: [3, 'be32'] })],
  [
    'payload',
    attributes({
      ...{ dreg: [1, 'be32'], base: [2, 'be32'], offset: [3, 'be32'], length: [4, 'be32'] },
      ...{ sreg: [5, 'be32'], checksum: [6, 'be32'], checksumOffset: [7, 'be32'], checksumFlags: [8, 'be32'] },
    }),
  ],
  ['cmp', attributes({ sreg: [1, 'be32'], op: [2, 'be32'], data: [3, 'data'] })],
  ['range', attributes({ sreg: [1, 'be32'], op: [2, 'be32'], first: [3, 'data'], last: [4, 'data'] })],
  [
    'bitwise',
    attributes({ sreg: [1, 'be32'], dreg: [2, 'be32'], length: [3, 'be32'], mask: [4, 'data'], xor: [5, 'data'] }),
  ],
  ['lookup', attributes({ set: [1, 'text'], sreg: [2, 'be32'], dreg: [3, 'be32'], flags: [5, 'be32'] })],
  ['immediate', attributes({ dreg: [1, 'be32'], value: [2, 'verdict'] })],
  ['dynset', attributes({ set: [1, 'text'], op: [3, 'be32'], sreg: [4, 'be32'], limit: [7, 'element-limit'] })],
  ['counter', []],
  ['notrack', []],
  [
    'limit',
    attributes({ rate: [1, 'be64'], unit: [2, 'be64'], burst: [3, 'be32'], type: [4, 'be32'], flags: [5, 'be32'] }),
  ],
  ['connlimit', attributes({ count: [1, 'be32'], flags: [2, 'be32'] })],
  ['log', attributes({ group: [1, 'be16'], prefix: [2, 'text'], level: [5, 'be32'] })],
  ['reject', attributes({ type: [1, 'be32'], code: [2, 'u8'] })],
  ['masq', attributes({ flags: [1, 'be32'], portMin: [2, 'be32'], portMax: [3, 'be32'] })],
  [
    'nat',
    attributes({
      ...{ type: [1, 'be32'], family: [2, 'be32'], addressMin: [3, 'be32'], addressMax: [4, 'be32'] },
      ...{ portMin: [5, 'be32'], portMax: [6, 'be32'], flags: [7, 'be32'] },
    }),
  ],
  // extensions of iptables; of targets, which are others', only what they are called
  ['match', attributes({ name: [1, 'text'], revision: [2, 'be32'], info: [3, 'bytes'] })],
  ['target', attributes({ name: [1, 'text'] })],
]);

/** `connlimit 20000` or `limit 1000`: the expression that each element of a dynamic set has, and what is too many for it. */
export function printElementLimit(name: 'connlimit' | 'limit', limit: number): Bytes {
  return `${name} ${limit}`;
}

/** How many packets may come at once, where so many may in a second. */
export function burstOf(perSecond: number): number {
  return Math.max(1, Math.floor(perSecond / 10));
}

export type AttributeValue = number | Bytes | Verdict;

/** Values by attribute name, in the order of the schema; an expression of an unknown name has none. */
export interface Expression {
  readonly name: string;
  readonly values: Readonly<Record<string, AttributeValue>>;
}

export function expression(name: string, values: Readonly<Record<string, AttributeValue>> = {}): Expression {
  return { name, values };
}

const codes: Readonly<Record<Verdict['kind'], number>> = { drop: 0, accept: 1, jump: -3, goto: -4, return: -5 };

/** The kernel's number of a verdict (NF_ACCEPT, NFT_JUMP, …). */
export function verdictCode(verdict: Verdict): number {
  return codes[verdict.kind];
}

/** Undefined for verdicts that we never give. */
export function verdictOfCode(code: number, chain: string): Verdict | undefined {
  switch (code) {
    case codes.drop:
      return { kind: 'drop' };
    case codes.accept:
      return { kind: 'accept' };
    case codes.return:
      return { kind: 'return' };
    case codes.jump:
      return { kind: 'jump', chain };
    case codes.goto:
      return { kind: 'goto', chain };
    default:
      return undefined;
  }
}

/** Equal for rules that do the same and carry the same comment. */
export function printRuleKey(expressions: readonly Expression[], comment: string | undefined): string {
  return JSON.stringify([expressions, comment ?? null]);
}

/** What printRuleKey has printed. */
export function parseRuleKey(text: string): {
  readonly expressions: readonly Expression[];
  readonly comment: string | undefined;
} {
  const [expressions, comment] = JSON.parse(text) as readonly [readonly Expression[], string | null];
  return { expressions, comment: comment ?? undefined };
}
