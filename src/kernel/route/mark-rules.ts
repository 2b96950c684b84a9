// Rules of routing that go by the mark of packets: which table the ways to other hosts are looked up in before the main one.
import type { Family } from '../../net/ip.ts';
import * as netlink from '../../sys/netlink.ts';
import { PATH_PROTOCOL } from './routes.ts';
import { dumpRules, RTM_DELRULE, RTM_NEWRULE, RULE_HEADER_BYTES, writeRuleHeader } from './routing-rules.ts';

/** linux/fib_rules.h */
const FRA_PRIORITY = 6;
const FRA_FWMARK = 10;
const FRA_TABLE = 15;
const FRA_FWMASK = 16;
const FRA_PROTOCOL = 21;
const FIB_RULE_INVERT = 0x2;

/** Packets that carry the mark, or that do not, look their way up in this table first (ip-rule(8), `fwmark`). */
export interface MarkRule {
  readonly family: Family;
  readonly mark: number;
  readonly mask: number;
  /** Those without it. */
  readonly isInverted: boolean;
  readonly table: number;
  /** Rules are asked in ascending order; that of the main table is 32766. */
  readonly priority: number;
}

function writeRule(writer: netlink.MessageWriter, type: number, flags: number, rule: MarkRule): void {
  writer.begin(type, flags);
  writeRuleHeader(writer, { family: rule.family, flags: rule.isInverted ? FIB_RULE_INVERT : 0 });
  writer.attrU32(FRA_PRIORITY, rule.priority).attrU32(FRA_TABLE, rule.table);
  writer.attrU32(FRA_FWMARK, rule.mark).attrU32(FRA_FWMASK, rule.mask).attrU8(FRA_PROTOCOL, PATH_PROTOCOL).end();
}

/** Appends a message that adds the rule, with the protocol by which it is ours. */
export function writeMarkRule(writer: netlink.MessageWriter, rule: MarkRule, flags: number): void {
  writeRule(writer, RTM_NEWRULE, flags | netlink.NLM_F_CREATE | netlink.NLM_F_EXCL, rule);
}

/** Appends a message that removes the rule, if it is ours. */
export function writeMarkRuleRemoval(writer: netlink.MessageWriter, rule: MarkRule, flags: number): void {
  writeRule(writer, RTM_DELRULE, flags, rule);
}

function tryReadMarkRule(payload: Uint8Array, family: Family): MarkRule | undefined {
  const attributes = netlink.readAttributes(payload, RULE_HEADER_BYTES);
  if (attributes.get(FRA_PROTOCOL)?.[0] !== PATH_PROTOCOL) return undefined;
  const number = (type: number) => netlink.readU32(attributes.get(type) ?? new Uint8Array());
  return {
    family,
    mark: number(FRA_FWMARK),
    mask: number(FRA_FWMASK),
    isInverted: (netlink.readU32(payload, 8) & FIB_RULE_INVERT) !== 0,
    table: number(FRA_TABLE),
    priority: number(FRA_PRIORITY),
  };
}

/** Those of the socket's namespace that are ours, of both families. */
export function observeMarkRules(socket: netlink.Netlink): readonly MarkRule[] {
  return ([4, 6] as const).flatMap((family) => dumpRules(socket, family, (one) => tryReadMarkRule(one, family)));
}
