// What a consumer holds after applying policy changes in order, refusing every one that would dangle; and the verdict
// that follows from it, for tests to hold against the verdict from the resources.
import { cidrContains, cidrsOverlap, formatCidr, isMasked } from '../../../src/net/cidr.ts';
import { formatIp, type Ip } from '../../../src/net/ip.ts';
import { portInRange } from '../../../src/net/port.ts';
import { meetsPacketMatch, type Packet } from '../../../src/policy/oracle/packet.ts';
import {
  type CompiledRule,
  type Direction,
  type EndpointPolicy,
  type HostEndpointPolicy,
  type IpSetContent,
  type IpSetDelta,
  isStaged,
  type PolicyChange,
  type RuleList,
  type SideMatch,
} from '../../../src/policy/types/types.ts';

export interface Delivered {
  readonly sets: Map<string, IpSetContent>;
  readonly lists: Map<string, RuleList>;
  readonly endpoints: Map<string, EndpointPolicy>;
  readonly hosts: Map<string, HostEndpointPolicy>;
}

export function nothingDelivered(): Delivered {
  return { sets: new Map(), lists: new Map(), endpoints: new Map(), hosts: new Map() };
}

function memberText(content: IpSetContent): readonly string[] {
  switch (content.type) {
    case 'address':
      return content.members.map(formatIp);
    case 'cidr':
      return content.members.map(formatCidr);
    case 'port':
      return content.members.map(({ address, protocol, port }) => `${formatIp(address)} ${protocol} ${port}`);
  }
}

function check(holds: boolean, complaint: string): void {
  if (!holds) throw new Error(complaint);
}

function checkContent(id: string, content: IpSetContent): void {
  const texts = memberText(content);
  check(new Set(texts).size === texts.length, `set ${id}: a member twice: ${texts}`);
  if (content.type !== 'cidr') return;
  for (const [index, a] of content.members.entries()) {
    check(isMasked(a) && a.prefixLength > 0, `set ${id}: ${formatCidr(a)} is not a range for the kernel`);
    for (const b of content.members.slice(index + 1)) {
      check(!cidrsOverlap(a, b), `set ${id}: ${formatCidr(a)} and ${formatCidr(b)} overlap`);
    }
  }
}

function changeMembers<T>(
  before: readonly T[],
  delta: { added: readonly T[]; removed: readonly T[] },
  textOf: (member: T) => string,
): readonly T[] {
  const members = new Map(before.map((member) => [textOf(member), member]));
  for (const member of delta.removed) check(members.delete(textOf(member)), `${textOf(member)} removed but not there`);
  for (const member of delta.added) {
    check(!members.has(textOf(member)), `${textOf(member)} added but there`);
    members.set(textOf(member), member);
  }
  return [...members.values()];
}

function changeSet(before: IpSetContent, delta: IpSetDelta): IpSetContent {
  if (before.type === 'address' && delta.type === 'address') {
    return { type: 'address', members: changeMembers(before.members, delta, formatIp) };
  }
  if (before.type === 'cidr' && delta.type === 'cidr') {
    return { type: 'cidr', members: changeMembers(before.members, delta, formatCidr) };
  }
  if (before.type === 'port' && delta.type === 'port') {
    return {
      type: 'port',
      members: changeMembers(before.members, delta, (m) => JSON.stringify({ ...m, address: formatIp(m.address) })),
    };
  }
  throw new Error(`a ${before.type} set changed as a ${delta.type} set`);
}

function setsOf(list: RuleList): readonly string[] {
  return [...list.ingress, ...list.egress]
    .flatMap((rule) => [rule.source, rule.destination])
    .flatMap((side) => [...side.ipSets, ...side.notIpSets, ...side.portSets, ...side.notPortSets]);
}

function listsOf(endpoint: EndpointPolicy): readonly string[] {
  return [...endpoint.profiles, ...endpoint.tiers.flatMap((tier) => [...tier.ingress, ...tier.egress])];
}

function listsOfHost({ profiles, untracked, preDnat, forward, normal }: HostEndpointPolicy): readonly string[] {
  const tiers = [...untracked, ...preDnat, ...forward, ...normal];
  return [...profiles, ...tiers.flatMap((tier) => [...tier.ingress, ...tier.egress])];
}

/** Applies one change; throws if it names what is not there, or removes what is named. */
function deliver(state: Delivered, change: PolicyChange): void {
  switch (change.kind) {
    case 'set-added':
      check(!state.sets.has(change.id), `set ${change.id} added twice`);
      checkContent(change.id, change);
      state.sets.set(change.id, change);
      return;
    case 'set-changed': {
      const before = state.sets.get(change.id);
      if (before === undefined) throw new Error(`set ${change.id} changed but not there`);
      check(change.added.length + change.removed.length > 0, `set ${change.id} changed in nothing`);
      const after = changeSet(before, change);
      checkContent(change.id, after);
      state.sets.set(change.id, after);
      return;
    }
    case 'set-removed':
      check(state.sets.delete(change.id), `set ${change.id} removed but not there`);
      for (const list of state.lists.values()) check(!setsOf(list).includes(change.id), `${change.id} still named`);
      return;
    case 'rules-set':
      for (const id of setsOf(change.list)) check(state.sets.has(id), `list ${change.list.id} names no set ${id}`);
      state.lists.set(change.list.id, change.list);
      return;
    case 'rules-removed':
      check(state.lists.delete(change.id), `list ${change.id} removed but not there`);
      for (const endpoint of state.endpoints.values())
        check(!listsOf(endpoint).includes(change.id), 'list still named');
      for (const host of state.hosts.values()) check(!listsOfHost(host).includes(change.id), 'list still named');
      return;
    case 'endpoint-set':
      for (const id of listsOf(change.endpoint))
        check(state.lists.has(id), `${change.endpoint.id} names no list ${id}`);
      state.endpoints.set(change.endpoint.id, change.endpoint);
      return;
    case 'endpoint-removed':
      check(state.endpoints.delete(change.id), `endpoint ${change.id} removed but not there`);
      return;
    case 'host-endpoint-set':
      for (const id of listsOfHost(change.endpoint))
        check(state.lists.has(id), `${change.endpoint.id} names no list ${id}`);
      state.hosts.set(change.endpoint.id, change.endpoint);
      return;
    case 'host-endpoint-removed':
      check(state.hosts.delete(change.id), `host endpoint ${change.id} removed but not there`);
  }
}

/** Applies one flush; interface names must be unique after it. */
export function deliverAll(state: Delivered, changes: readonly PolicyChange[]): void {
  for (const change of changes) deliver(state, change);
  const names = [...state.endpoints.values()].map((endpoint) => endpoint.interfaceName);
  check(new Set(names).size === names.length, `an interface name twice: ${names}`);
}

function sorted<V>(map: ReadonlyMap<string, V>): readonly (readonly [string, V])[] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Everything as one text, equal for equal states however they came about. */
export function printDelivered(state: Delivered): string {
  const plain = {
    sets: sorted(state.sets).map(([id, content]) => [id, content.type, [...memberText(content)].sort()]),
    lists: sorted(state.lists),
    endpoints: sorted(state.endpoints),
    hosts: sorted(state.hosts),
  };
  return JSON.stringify(plain, (_, value) => (typeof value === 'bigint' ? `${value}n` : value), 1);
}

function inSet(state: Delivered, id: string, address: Ip): boolean {
  const content = state.sets.get(id);
  if (content?.type === 'address') return content.members.includes(address);
  return content?.type === 'cidr' && content.members.some((range) => cidrContains(range, address));
}

function inPortSet(state: Delivered, id: string, address: Ip, protocol: number, port: number | undefined): boolean {
  const content = state.sets.get(id);
  if (content?.type !== 'port') return false;
  return content.members.some((m) => m.address === address && m.protocol === protocol && m.port === port);
}

function sideHolds(
  state: Delivered,
  side: SideMatch,
  address: Ip,
  protocol: number,
  port: number | undefined,
): boolean {
  const inPorts = (id: string) => inPortSet(state, id, address, protocol, port);
  const inRange = (ranges: SideMatch['ports']) =>
    port !== undefined && ranges.some((range) => portInRange(range, port));
  const wantsPort = side.ports.length + side.portSets.length > 0;
  return (
    (side.nets.length === 0 || side.nets.some((net) => cidrContains(net, address))) &&
    !side.notNets.some((net) => cidrContains(net, address)) &&
    side.ipSets.every((id) => inSet(state, id, address)) &&
    !side.notIpSets.some((id) => inSet(state, id, address)) &&
    (!wantsPort || inRange(side.ports) || side.portSets.some(inPorts)) &&
    !inRange(side.notPorts) &&
    !side.notPortSets.some(inPorts)
  );
}

function ruleHolds(state: Delivered, rule: CompiledRule, packet: Packet): boolean {
  return (
    meetsPacketMatch(rule, packet) &&
    sideHolds(state, rule.source, packet.source, packet.protocol, packet.sourcePort) &&
    sideHolds(state, rule.destination, packet.destination, packet.protocol, packet.destinationPort)
  );
}

function outcome(
  state: Delivered,
  id: string,
  direction: Direction,
  packet: Packet,
): CompiledRule['action'] | undefined {
  const rules = state.lists.get(id)?.[direction] ?? [];
  return rules.find((rule) => rule.action !== 'log' && ruleHolds(state, rule, packet))?.action;
}

/** Whether a kernel that holds this state lets the packet through at the endpoint. */
export function isAllowed(
  state: Delivered,
  endpoint: Pick<EndpointPolicy, 'tiers' | 'profiles'>,
  direction: Direction,
  packet: Packet,
): boolean {
  for (const tier of endpoint.tiers) {
    const deciding = tier[direction].filter((id) => !isStaged(id));
    if (deciding.length === 0) continue;
    const decided = deciding.map((id) => outcome(state, id, direction, packet)).find((one) => one !== undefined);
    if (decided === 'allow') return true;
    if (decided === 'deny' || (decided === undefined && tier.defaultAction === 'deny')) return false;
  }
  for (const id of endpoint.profiles) {
    const decided = outcome(state, id, direction, packet);
    if (decided === 'allow') return true;
    if (decided === 'deny') return false;
  }
  return false;
}
