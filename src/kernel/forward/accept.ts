// Lets packets of workloads, and of pods on rkt's own network `default`, through the chain FORWARD that all firewalls on iptables
// share, as Felix does: by rules in front of theirs. What the agent's own table and rkt's deny stays denied.
import { OcicatError } from '../../base/errors.ts';
import { type AcceptRule, acceptRulesFor, WORKLOAD_RULES } from '../../firewall/forward/accept-rules.ts';
import { FORWARD_COMMENT, type ForwardFilter } from '../../firewall/forward/filter.ts';
import { encodeFamily } from '../../nftables/encode.ts';
import { encodeComment, encodeExpression } from '../../nftables/encode-objects.ts';
import type { Expression } from '../../nftables/expression.ts';
import { CREATE, message, SUBSYSTEM_NFTABLES } from '../../nftables/wire.ts';
import { ENOENT } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { commentIn, readObject, textOf } from '../nftables/decode.ts';
import { type Accepted, insertLegacyAccept, removeLegacyAccept } from './legacy.ts';

const FAMILY_NUMBERS = { inet: 1, ip: 2, ip6: 10 } as const;

/** Handles of the agent's rules in the chain. */
function observeOwnRules(socket: netlink.Netlink, { family, table, chain }: ForwardFilter): readonly Uint8Array[] {
  const writer = netlink.createMessageWriter(512);
  writer.begin(message.getRule, netlink.NLM_F_DUMP).u8(FAMILY_NUMBERS[family]).u8(0).be16(0);
  writer.attrString(1, table).attrString(2, chain).end();
  const handles: Uint8Array[] = [];
  socket.dump(writer, (_type, payload) => {
    const attributes = readObject(payload);
    const isThere = textOf(attributes, 1) === table && textOf(attributes, 2) === chain;
    if (isThere && commentIn(attributes.get(7)) === FORWARD_COMMENT)
      handles.push((attributes.get(3) ?? new Uint8Array()).slice());
  });
  return handles;
}

function writeRule(
  writer: netlink.MessageWriter,
  { family, table, chain }: ForwardFilter,
  type: number,
  body: () => void,
): void {
  writer.begin(type, type === message.newRule ? CREATE | netlink.NLM_F_ACK : netlink.NLM_F_ACK);
  encodeFamily(writer, FAMILY_NUMBERS[family]);
  writer.attrString(1, table).attrString(2, chain);
  body();
  writer.end();
}

function writeAccept(writer: netlink.MessageWriter, expressions: readonly Expression[]): void {
  writer.nest(4);
  for (const expression of expressions) encodeExpression(writer, expression);
  writer.endNest();
  encodeComment(writer, 7, FORWARD_COMMENT);
}

/** In one step, or not at all. */
function exchangeRules(filter: ForwardFilter, rules: readonly AcceptRule[]): void {
  const socket = netlink.openNetlink(netlink.NETLINK_NETFILTER);
  try {
    const old = observeOwnRules(socket, filter);
    const writer = netlink.createMessageWriter(2048);
    writer.begin(message.batchBegin, 0);
    encodeFamily(writer, 0, SUBSYSTEM_NFTABLES);
    writer.end();
    for (const handle of old) writeRule(writer, filter, message.delRule, () => writer.attrBytes(3, handle));
    for (const rule of rules) writeRule(writer, filter, message.newRule, () => writeAccept(writer, rule.expressions));
    writer.begin(message.batchEnd, 0);
    encodeFamily(writer, 0, SUBSYSTEM_NFTABLES);
    writer.end();
    if (old.length + rules.length > 0) socket.request(writer, old.length + rules.length);
  } finally {
    socket.close();
  }
}

/** A kernel may lack what knows links by their group (xt_devgroup); workloads are let through on any. */
function insertRules(filter: ForwardFilter): Accepted {
  try {
    exchangeRules(filter, acceptRulesFor(filter));
    return 'all';
  } catch (error) {
    if (!(error instanceof OcicatError) || error.errno !== ENOENT) throw error;
    exchangeRules(filter, WORKLOAD_RULES);
    return 'workloads';
  }
}

/** Puts the rules in front of a chain of iptables, in place of those that are there. Throws `kernel`. */
export function insertForwardAccept(filter: ForwardFilter): Accepted {
  return filter.backend === 'legacy' ? insertLegacyAccept(filter) : insertRules(filter);
}

/** Takes the rules away. Throws `kernel`. */
export function removeForwardAccept(filter: ForwardFilter): void {
  if (filter.backend === 'legacy') removeLegacyAccept(filter);
  else exchangeRules(filter, []);
}
