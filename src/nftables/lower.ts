// Turns a rule's statements into the kernel's expressions, register for register as nft does.
import type { Family } from '../net/ip.ts';
import { bytesOfU16, hostBytesOfU32, maskBytes } from './bytes.ts';
import { type Expression, expression, printElementLimit } from './expression.ts';
import { fields, META_MARK } from './fields.ts';
import { lowerDestinationNat, lowerMasquerade, lowerNatOfMap, lowerSourceNat } from './lower-nat.ts';
import type { Bytes, Field, RateLimit, RateUnit, Rule, Statement } from './nft.ts';
import { registerAt } from './registers.ts';

const REGISTER = 1;
const VERDICT_REGISTER = 0;

const EQUAL = 0;
const NOT_EQUAL = 1;
const LESS_OR_EQUAL = 3;
const GREATER_OR_EQUAL = 5;
const LOOKUP_INVERTED = 1;
const DYNSET_ADD = 0;
const LOG_LEVEL_INFO = 6;
const LIMIT_PACKETS = 0;
/** NFT_LIMIT_F_INV, NFT_CONNLIMIT_F_INV: matches above the limit. */
const OVER = 1;
const UNIT_SECONDS: Readonly<Record<RateUnit, number>> = { second: 1, minute: 60, hour: 3600, day: 86_400 };
const REJECT_TCP_RESET = 1;
const REJECT_ICMPX = 2;
const ICMPX_ADMIN_PROHIBITED = 3;
const MARK_BYTES = 4;
const STATE_BYTES = 4;
const NO_BITS = hostBytesOfU32(0);
/** NFT_CT_STATUS, and its bit (linux/netfilter/nf_conntrack_common.h). */
const CT_STATUS = 2;
const IPS_DST_NAT = 1 << 5;
const STATUS_BYTES = 4;

const NETWORK_HEADER = 1;
/** NFT_PAYLOAD_CSUM_INET, and where it stands. */
const IPV4_CHECKSUM = { checksum: 1, checksumOffset: 10, checksumFlags: 0 };

function load(field: Field, dreg = REGISTER): Expression {
  const { source, bytes } = fields[field];
  if (source.kind === 'payload') {
    return expression('payload', { dreg, base: source.base, offset: source.offset, length: bytes });
  }
  if (source.kind === 'fib') return expression('fib', { dreg, result: source.result, flags: source.flags });
  const direction = source.kind === 'ct' && source.direction !== undefined ? { direction: source.direction } : {};
  return expression(source.kind, { dreg, key: source.key, ...direction });
}

/** One field after the other, each from the next free word on. */
function loadAll(list: readonly Field[], prefixLengths: readonly number[] = []): readonly Expression[] {
  let word = 0;
  return list.flatMap((field, index) => {
    const { bytes } = fields[field];
    const register = registerAt(word);
    const prefixLength = prefixLengths[index] ?? bytes * 8;
    word += Math.ceil(bytes / 4);
    if (prefixLength === bytes * 8) return [load(field, register)];
    return [load(field, register), mask(bytes, maskBytes(prefixLength, bytes), undefined, register)];
  });
}

function compare(op: number, data: Bytes): Expression {
  return expression('cmp', { sreg: REGISTER, op, data });
}

function mask(length: number, bits: Bytes, xor = '\0'.repeat(length), register = REGISTER): Expression {
  return expression('bitwise', { sreg: register, dreg: register, length, mask: bits, xor });
}

function equality(negated: boolean): number {
  return negated ? NOT_EQUAL : EQUAL;
}

function lowerRange(field: Field, negated: boolean, first: Bytes, last: Bytes): readonly Expression[] {
  if (negated) return [load(field), expression('range', { sreg: REGISTER, op: NOT_EQUAL, first, last })];
  return [load(field), compare(GREATER_OR_EQUAL, first), compare(LESS_OR_EQUAL, last)];
}

/** Of a prefix of whole bytes no more than these are read. */
function lowerPrefix({ field, negated, value, prefixLength }: Extract<Statement, { kind: 'prefix' }>) {
  const { bytes } = fields[field];
  const whole = prefixLength / 8;
  const loaded = load(field);
  if (Number.isInteger(whole) && loaded.name === 'payload')
    return [
      expression('payload', { ...loaded.values, length: whole }),
      compare(equality(negated), value.slice(0, whole)),
    ];
  return [loaded, mask(bytes, maskBytes(prefixLength, bytes)), compare(equality(negated), value)];
}

/** mark = (mark & keep) ^ flip */
function changeMark(keep: number, flip: number): readonly Expression[] {
  return [
    expression('meta', { dreg: REGISTER, key: META_MARK }),
    mask(MARK_BYTES, hostBytesOfU32(keep), hostBytesOfU32(flip)),
    expression('meta', { key: META_MARK, sreg: REGISTER }),
  ];
}

function testMark(bits: number): readonly Expression[] {
  return [
    expression('meta', { dreg: REGISTER, key: META_MARK }),
    mask(MARK_BYTES, hostBytesOfU32(bits)),
    compare(EQUAL, hostBytesOfU32(bits)),
  ];
}

function lowerLimit({ rate, unit, burst }: RateLimit, flags: number): Expression {
  return expression('limit', { rate, unit: UNIT_SECONDS[unit], burst, type: LIMIT_PACKETS, flags });
}

/** The first two bytes of a header; the other bits in them stay. The header of IPv4 has a checksum, that of IPv6 none. */
function changeDscp(family: Family, value: number): readonly Expression[] {
  const isFour = family === 4;
  const place = { base: NETWORK_HEADER, offset: 0, length: 2 };
  const checksum = isFour ? IPV4_CHECKSUM : { checksum: 0, checksumOffset: 0, checksumFlags: 0 };
  return [
    expression('payload', { dreg: REGISTER, ...place }),
    isFour ? mask(2, bytesOfU16(0xff03), bytesOfU16(value << 2)) : mask(2, bytesOfU16(0xf03f), bytesOfU16(value << 6)),
    expression('payload', { ...place, sreg: REGISTER, ...checksum }),
  ];
}

function lowerStatement(statement: Statement): readonly Expression[] {
  switch (statement.kind) {
    case 'compare':
      return [load(statement.field), compare(equality(statement.negated), statement.value)];
    case 'prefix':
      return lowerPrefix(statement);
    case 'name-prefix': // the kernel compares as many bytes as it is given
      return [load(statement.field), compare(EQUAL, statement.value)];
    case 'range':
      return lowerRange(statement.field, statement.negated, statement.first, statement.last);
    case 'lookup': {
      const flags = statement.negated ? LOOKUP_INVERTED : 0;
      const loads = loadAll(statement.fields, statement.prefixLengths);
      return [...loads, expression('lookup', { set: statement.set, sreg: REGISTER, flags })];
    }
    case 'verdict-map': {
      const values = { set: statement.map, sreg: REGISTER, dreg: VERDICT_REGISTER, flags: 0 };
      return [...loadAll(statement.fields), expression('lookup', values)];
    }
    case 'ct-states':
      return [load('ct-state'), mask(STATE_BYTES, hostBytesOfU32(statement.bits)), compare(NOT_EQUAL, NO_BITS)];
    case 'beyond-flows': {
      const limit = printElementLimit('connlimit', statement.limit);
      const values = { set: statement.set, op: DYNSET_ADD, sreg: REGISTER, limit };
      return [load(statement.field), expression('dynset', values)];
    }
    case 'beyond-rate-each': {
      const limit = printElementLimit('limit', statement.perSecond);
      const values = { set: statement.set, op: DYNSET_ADD, sreg: REGISTER, limit };
      return [load(statement.field), expression('dynset', values)];
    }
    case 'mark-is':
      return testMark(statement.bits);
    case 'mark-set':
      return changeMark(~statement.bits, statement.bits);
    case 'mark-clear':
      return changeMark(~statement.bits, 0);
    case 'counter':
      return [expression('counter')];
    case 'limit':
      return [lowerLimit(statement.limit, 0)];
    case 'beyond-rate':
      return [lowerLimit(statement.limit, OVER)];
    case 'beyond-connections':
      return [expression('connlimit', { count: statement.limit, flags: OVER })];
    case 'set-dscp':
      return changeDscp(statement.family, statement.value);
    case 'log':
      return [
        statement.group === undefined
          ? expression('log', { prefix: statement.prefix, level: LOG_LEVEL_INFO })
          : expression('log', { group: statement.group, prefix: statement.prefix }),
      ];
    case 'reject':
      return statement.how === 'tcp-reset'
        ? [expression('reject', { type: REJECT_TCP_RESET })]
        : [expression('reject', { type: REJECT_ICMPX, code: ICMPX_ADMIN_PROHIBITED })];
    case 'notrack':
      return [expression('notrack')];
    case 'destination-translated':
      return [
        expression('ct', { dreg: REGISTER, key: CT_STATUS }),
        mask(STATUS_BYTES, hostBytesOfU32(IPS_DST_NAT)),
        compare(NOT_EQUAL, hostBytesOfU32(0)),
      ];
    case 'masquerade':
      return lowerMasquerade(statement.ports);
    case 'source-nat':
      return lowerSourceNat(statement.address, statement.ports);
    case 'destination-nat':
      return lowerDestinationNat(statement.address);
    case 'destination-nat-map': {
      const values = { set: statement.map, sreg: REGISTER, dreg: REGISTER, flags: 0 };
      const found = [...loadAll(statement.fields), expression('lookup', values)];
      return [...found, lowerNatOfMap(statement.family, statement.hasPort)];
    }
    case 'verdict':
      return [expression('immediate', { dreg: VERDICT_REGISTER, value: statement.verdict })];
  }
}

/** nft reads two fields that lie side by side in one go, as long as they fit in a word. */
const MAX_MERGED_BYTES = 4;

/** Both compared at once; undefined when they do not lie side by side. */
function tryMerge(
  first: Expression,
  second: Expression,
  third: Expression,
  fourth: Expression,
): readonly Expression[] | undefined {
  const [loadA, loadB] = [first.values, third.values];
  const [compareA, compareB] = [second.values, fourth.values];
  const length = Number(loadA.length) + Number(loadB.length);
  const isPair = first.name === 'payload' && second.name === 'cmp' && third.name === 'payload' && fourth.name === 'cmp';
  if (!isPair || loadA.base !== loadB.base || compareA.op !== EQUAL || compareB.op !== EQUAL) return undefined;
  if (Number(loadA.offset) + Number(loadA.length) !== loadB.offset || length > MAX_MERGED_BYTES) return undefined;
  const data = `${compareA.data}${compareB.data}`;
  return [expression('payload', { ...loadA, length }), compare(EQUAL, data)];
}

function merge(list: readonly Expression[]): readonly Expression[] {
  const merged: Expression[] = [];
  for (const each of list) {
    merged.push(each);
    if (each.name !== 'cmp' || merged.length < 4) continue;
    const [first, second, third, fourth] = merged.slice(-4);
    if (first === undefined || second === undefined || third === undefined || fourth === undefined) continue;
    const both = tryMerge(first, second, third, fourth);
    if (both !== undefined) merged.splice(-4, 4, ...both);
  }
  return merged;
}

/** The value order of each expression is its schema's, so that printRuleKey can compare with what the kernel gives back. */
export function lowerRule(rule: Rule): readonly Expression[] {
  return merge(rule.statements.flatMap(lowerStatement));
}
