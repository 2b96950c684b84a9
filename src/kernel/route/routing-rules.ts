// Rules of routing: which table a packet's way is looked up in, by its source address (ip-rule(8)).
import { type Family, familyOf, type Ip, ipFromBytes, ipToBytes } from '../../net/ip.ts';
import * as netlink from '../../sys/netlink.ts';

export const RTM_NEWRULE = 32;
export const RTM_DELRULE = 33;
const RTM_GETRULE = 34;
const AF_INET = 2;
const AF_INET6 = 10;
/** linux/fib_rules.h */
const FRA_SRC = 2;
const FRA_PRIORITY = 6;
const FRA_TABLE = 15;
const FR_ACT_TO_TBL = 1;
export const RULE_HEADER_BYTES = 12;

/** Packets from this one address look their way up in this table first. */
export interface RoutingRule {
  readonly source: Ip;
  readonly table: number;
  /** Rules are asked in ascending order; that of the main table is 32766. */
  readonly priority: number;
}

/** The `fib_rule_hdr` of a rule that sends to a table; `flags` are the FIB_RULE_ ones. */
export function writeRuleHeader(
  writer: netlink.MessageWriter,
  {
    family,
    sourceBits = 0,
    flags = 0,
  }: { readonly family: Family; readonly sourceBits?: number; readonly flags?: number },
): void {
  writer
    .u8(family === 4 ? AF_INET : AF_INET6)
    .u8(0)
    .u8(sourceBits)
    .u8(0);
  writer.u8(0).u8(0).u8(0).u8(FR_ACT_TO_TBL).u32(flags);
}

function writeRule(writer: netlink.MessageWriter, type: number, flags: number, rule: RoutingRule): void {
  const bytes = ipToBytes(rule.source);
  writer.begin(type, netlink.NLM_F_ACK | flags);
  writeRuleHeader(writer, { family: familyOf(rule.source), sourceBits: bytes.length * 8 });
  writer.attrBytes(FRA_SRC, bytes).attrU32(FRA_PRIORITY, rule.priority).attrU32(FRA_TABLE, rule.table).end();
}

/** Appends a message that adds the rule. Takes one acknowledgement. */
export function writeNewRule(writer: netlink.MessageWriter, rule: RoutingRule): void {
  writeRule(writer, RTM_NEWRULE, netlink.NLM_F_CREATE | netlink.NLM_F_EXCL, rule);
}

/** Appends a message that removes the rule. Takes one acknowledgement. */
export function writeDeleteRule(writer: netlink.MessageWriter, rule: RoutingRule): void {
  writeRule(writer, RTM_DELRULE, 0, rule);
}

function tryReadRule(payload: Uint8Array): RoutingRule | undefined {
  const attributes = netlink.readAttributes(payload, RULE_HEADER_BYTES);
  const source = attributes.get(FRA_SRC);
  const [table, priority] = [attributes.get(FRA_TABLE), attributes.get(FRA_PRIORITY)];
  if (source === undefined || table === undefined || priority === undefined) return undefined;
  if ((payload[2] ?? 0) !== source.length * 8) return undefined;
  return { source: ipFromBytes(source), table: netlink.readU32(table), priority: netlink.readU32(priority) };
}

/** What `tryRead` makes of the rules of the socket's namespace, in their order. */
export function dumpRules<T>(
  socket: netlink.Netlink,
  family: Family,
  tryRead: (payload: Uint8Array) => T | undefined,
): readonly T[] {
  const writer = netlink.createMessageWriter(64);
  writer.begin(RTM_GETRULE, netlink.NLM_F_DUMP);
  writer
    .u8(family === 4 ? AF_INET : AF_INET6)
    .u8(0)
    .u8(0)
    .u8(0);
  writer.u8(0).u8(0).u8(0).u8(0).u32(0).end();
  const rules: T[] = [];
  socket.dump(writer, (_type, payload) => {
    const rule = tryRead(payload);
    if (rule !== undefined) rules.push(rule);
  });
  return rules;
}

/** The rules of the socket's namespace that are about one source address, in their order. */
export function observeRules(socket: netlink.Netlink, family: Family): readonly RoutingRule[] {
  return dumpRules(socket, family, tryReadRule);
}
