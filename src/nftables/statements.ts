// The statements that our rules are made of.
import type { Cidr } from '../net/cidr.ts';
import { bitsOf, type Family, familyOf } from '../net/ip.ts';
import { bytesOfInterfaceName, bytesOfIp, bytesOfU8, bytesOfU16, hostBytesOfU32 } from './bytes.ts';
import { ADDRESS_LOCAL, NFPROTO_IPV4, NFPROTO_IPV6 } from './fields.ts';
import type { Field, Rule, Statement } from './nft.ts';

export const accept: Statement = { kind: 'verdict', verdict: { kind: 'accept' } };
export const drop: Statement = { kind: 'verdict', verdict: { kind: 'drop' } };
export const goBack: Statement = { kind: 'verdict', verdict: { kind: 'return' } };
/** Of a flow that was let through before: NF_CT_STATE_BIT of IP_CT_ESTABLISHED. What is related to one is looked at further. */
export const isEstablished: Statement = { kind: 'ct-states', bits: 2 };
/** Of none that the kernel knows, and that cannot begin one: NF_CT_STATE_INVALID_BIT. */
export const isInvalid: Statement = { kind: 'ct-states', bits: 1 };
/** An error about a flow, or a flow that another one has asked for: that of IP_CT_RELATED. */
export const isRelated: Statement = { kind: 'ct-states', bits: 4 };
export const isRelatedOrInvalid: Statement = { kind: 'ct-states', bits: 5 };
/** Of a flow that begins: that of IP_CT_NEW. */
export const isNew: Statement = { kind: 'ct-states', bits: 8 };
export const counter: Statement = { kind: 'counter' };

export function jump(chain: string): Statement {
  return { kind: 'verdict', verdict: { kind: 'jump', chain } };
}

export function goto(chain: string): Statement {
  return { kind: 'verdict', verdict: { kind: 'goto', chain } };
}

export function isFamily(family: Family): Statement {
  return {
    kind: 'compare',
    field: 'nfproto',
    negated: false,
    value: bytesOfU8(family === 4 ? NFPROTO_IPV4 : NFPROTO_IPV6),
  };
}

export function isProtocol(protocol: number, negated = false): Statement {
  return { kind: 'compare', field: 'l4proto', negated, value: bytesOfU8(protocol) };
}

/** An 8-bit field: ICMP types and codes. */
export function isByte(field: Field, value: number, negated = false): Statement {
  return { kind: 'compare', field, negated, value: bytesOfU8(value) };
}

export function isPort(field: 'sport' | 'dport', port: number): Statement {
  return { kind: 'compare', field, negated: false, value: bytesOfU16(port) };
}

/** An address field in a range, which must not be of length 0. */
export function isInNet(field: Field, cidr: Cidr, negated = false): Statement {
  const value = bytesOfIp(cidr.address);
  if (cidr.prefixLength === bitsOf(familyOf(cidr.address))) return { kind: 'compare', field, negated, value };
  return { kind: 'prefix', field, negated, value, prefixLength: cidr.prefixLength };
}

/** The interface of that name. */
export function isInterface(field: 'iifname' | 'oifname', name: string): Statement {
  return { kind: 'compare', field, negated: false, value: bytesOfInterfaceName(name) };
}

/** The host itself sends it. */
export const isOwn: Statement = { kind: 'compare', field: 'iif', negated: false, value: hostBytesOfU32(0) };

const toLocal = { kind: 'compare', field: 'daddr-type', value: hostBytesOfU32(ADDRESS_LOCAL) } as const;

/** One of this host's own addresses. */
export const isLocal: Statement = { ...toLocal, negated: false };

/** Everybody's and a group's address, and any that is not one of this host's own. */
export const isForOthers: Statement = { ...toLocal, negated: true };

export function isIn(fields: readonly Field[], set: string, negated = false): Statement {
  return { kind: 'lookup', fields, negated, set };
}

export function verdictOf(fields: readonly Field[], map: string): Statement {
  return { kind: 'verdict-map', fields, map };
}

export function rule(statements: readonly Statement[], comment?: string): Rule {
  return comment === undefined ? { statements } : { statements, comment };
}

/** Drops what matches, and counts it. */
export function dropping(comment: string, ...matches: Rule['statements']): Rule {
  return rule([...matches, counter, drop], comment);
}
