// The conditions of a rule that are not about one side: family, protocol, ICMP type and code.
import type { Family } from '../net/ip.ts';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../net/protocol.ts';
import { bytesOfU16 } from '../nftables/bytes.ts';
import type { Field, Statement } from '../nftables/nft.ts';
import { isByte, isProtocol } from '../nftables/statements.ts';
import type { CompiledRule, IcmpMatch, PacketMatch } from '../policy/types/types.ts';
import { type Clauses, type Condition, type Context, must } from './clause.ts';

function icmpProtocol(family: Family): number {
  return family === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
}

function icmpFields(family: Family): readonly [type: Field, code: Field] {
  return family === 4 ? ['icmp-type', 'icmp-code'] : ['icmpv6-type', 'icmpv6-code'];
}

/** Whether the rule wants a protocol that is not the family's ICMP. */
function isOther({ rule, family }: Context): boolean {
  return rule.protocol !== undefined && rule.protocol !== icmpProtocol(family);
}

function icmpClauses({ type, code }: IcmpMatch, context: Context): Clauses {
  if (isOther(context)) return undefined;
  const { rule, family } = context;
  const [typeField, codeField] = icmpFields(family);
  const isIt = must(isByte(typeField, type), ...(code === undefined ? [] : [isByte(codeField, code)]));
  return rule.protocol === undefined ? [must(isProtocol(icmpProtocol(family))), isIt] : [isIt];
}

function isNotIcmp({ type, code }: IcmpMatch, family: Family): Statement {
  if (code === undefined) return isByte(icmpFields(family)[0], type, true);
  return { kind: 'compare', field: 'icmp-type-code', negated: true, value: bytesOfU16(type * 256 + code) };
}

/** A packet of another protocol is not ICMP of that type. */
function notIcmpClauses(icmp: IcmpMatch, context: Context): Clauses {
  if (isOther(context)) return [];
  const { rule, family } = context;
  const isNot = isNotIcmp(icmp, family);
  const protocol = icmpProtocol(family);
  if (rule.protocol === protocol || rule.icmp !== undefined) return [must(isNot)];
  return [[{ statements: [isProtocol(protocol, true)] }, { statements: [isProtocol(protocol), isNot] }]];
}

/** Every condition, in the order in which a rule asks them. */
const conditions: { readonly [K in keyof PacketMatch]: Condition<NonNullable<PacketMatch[K]>, Context> } = {
  family: { perFamily: true, clauses: (wanted, { family }) => (wanted === family ? [] : undefined) },
  protocol: { perFamily: false, clauses: (protocol) => [must(isProtocol(protocol))] },
  notProtocol: { perFamily: false, clauses: (protocol) => [must(isProtocol(protocol, true))] },
  icmp: { perFamily: true, clauses: icmpClauses },
  notIcmp: { perFamily: true, clauses: notIcmpClauses },
};

const KEYS = Object.keys(conditions) as readonly (keyof PacketMatch)[];

function clausesOf<K extends keyof PacketMatch>(key: K, context: Context): Clauses {
  const value = context.rule[key];
  return value === undefined ? [] : conditions[key].clauses(value, context);
}

/** Undefined when no packet of the family satisfies them all. */
export function packetClauses(context: Context): Clauses {
  const each = KEYS.map((key) => clausesOf(key, context));
  return each.every((one) => one !== undefined) ? each.flat() : undefined;
}

export function packetDependsOnFamily(rule: CompiledRule): boolean {
  return KEYS.some((key) => rule[key] !== undefined && conditions[key].perFamily);
}
