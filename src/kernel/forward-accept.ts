// Lets packets of workloads through the chain FORWARD that all firewalls on iptables share, as Felix does: by rules of the
// agent's in front of theirs. What the agent's own table denies stays denied, and iptables(8) shows the rules as its own.
import { bytesOfInterfaceName } from '../firewall/bytes.ts';
import { encodeComment, encodeExpression, encodeFamily } from '../firewall/encode.ts';
import type { Expression } from '../firewall/expression.ts';
import { FORWARD_COMMENT, type ForwardFilter } from '../firewall/forward-filter.ts';
import { CREATE, message, SUBSYSTEM_NFTABLES } from '../firewall/wire.ts';
import * as netlink from '../sys/netlink.ts';
import { commentIn, readObject, textOf } from './firewall-decode.ts';
import { applyLegacyAccept } from './forward-legacy.ts';
import { WORKLOAD_LINK_PREFIX } from './workload-link-spec.ts';

const FAMILY_NUMBERS = { inet: 1, ip: 2, ip6: 10 } as const;
/** NFT_META_IIFNAME, NFT_META_OIFNAME; NFT_REG_1. */
const META_KEYS = [6, 7] as const;
const REGISTER = 1;

/** As iptables(8) writes `-i cali+ -j ACCEPT`. */
function acceptRule(key: number): readonly Expression[] {
  const prefix = bytesOfInterfaceName(WORKLOAD_LINK_PREFIX).slice(0, WORKLOAD_LINK_PREFIX.length);
  return [
    { name: 'meta', values: { dreg: REGISTER, key } },
    { name: 'cmp', values: { sreg: REGISTER, op: 0, data: prefix } },
    { name: 'counter', values: {} },
    { name: 'immediate', values: { dreg: 0, verdict: { kind: 'accept' } } },
  ];
}

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

function applyNftAccept(filter: ForwardFilter, wanted: boolean): void {
  const socket = netlink.openNetlink(netlink.NETLINK_NETFILTER);
  try {
    const old = observeOwnRules(socket, filter);
    const added = wanted ? META_KEYS.map(acceptRule) : [];
    const writer = netlink.createMessageWriter(2048);
    writer.begin(message.batchBegin, 0);
    encodeFamily(writer, 0, SUBSYSTEM_NFTABLES);
    writer.end();
    for (const handle of old) writeRule(writer, filter, message.delRule, () => writer.attrBytes(3, handle));
    for (const rule of added) writeRule(writer, filter, message.newRule, () => writeAccept(writer, rule));
    writer.begin(message.batchEnd, 0);
    encodeFamily(writer, 0, SUBSYSTEM_NFTABLES);
    writer.end();
    if (old.length + added.length > 0) socket.request(writer, old.length + added.length);
  } finally {
    socket.close();
  }
}

/** Puts the agent's rules in front of a chain of iptables, or takes them away. False when that cannot be done; throws `kernel`. */
export function applyForwardAccept(filter: ForwardFilter, wanted: boolean): boolean {
  if (filter.backend === 'legacy') return applyLegacyAccept(filter, wanted);
  applyNftAccept(filter, wanted);
  return true;
}
