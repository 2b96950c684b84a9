// Whether a packet meets a rule, as Calico's documentation of rules says ("Network policy", sections Rule, EntityRule, Ports).
import { type Address, isInRange, readAddress } from './addresses.ts';
import {
  type Endpoint,
  type EntityRule,
  type IcmpRule,
  type NetworkSet,
  type Profile,
  type Resource,
  type Rule,
  resourcesOf,
} from './resources.ts';
import { type Labels, selects } from './selectors.ts';

/** Ports where the protocol has them, type and code where it is ICMP of the packet's family. */
export interface ReferencePacket {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

/** What a rule is read in: the namespace of its policy, if it has one, and all that there is. */
export interface Scope {
  readonly namespace: string | undefined;
  readonly resources: readonly Resource[];
}

const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132, udplite: 136 };
const NAMESPACE = 'projectcalico.org/namespace';

function protocolNumber(protocol: string | number): number {
  return typeof protocol === 'number' ? protocol : (PROTOCOLS[protocol.toLowerCase()] ?? Number(protocol));
}

/** Its own labels, and of those of its profiles each that is not there yet. */
export function labelsOf(one: Endpoint | NetworkSet, resources: readonly Resource[]): Labels {
  const profiles = resourcesOf<Profile>(resources, 'Profile');
  const inherited = ('profiles' in one.spec ? (one.spec.profiles ?? []) : []).map(
    (name) => profiles.find(({ metadata }) => metadata.name === name)?.spec.labelsToApply ?? {},
  );
  const own: Labels = {
    ...one.metadata.labels,
    ...(one.metadata.namespace === undefined ? {} : { [NAMESPACE]: one.metadata.namespace }),
    ...(one.kind === 'WorkloadEndpoint' ? { 'projectcalico.org/orchestrator': one.spec.orchestrator ?? '' } : {}),
  };
  return Object.assign({}, ...inherited.toReversed(), own);
}

/** Of a namespace only that there is one can be told, where there is no Kubernetes to label it. */
export function inNamespaces(selector: string, namespace: string | undefined): boolean {
  if (selector === 'all()') return namespace !== undefined;
  if (selector === 'global()') return namespace === undefined;
  return selects(selector, {});
}

/** A policy of a namespace selects in it, unless it says which others; policies without a namespace, and nets, do not care. */
function isInScope(one: Endpoint | NetworkSet, { namespaceSelector }: EntityRule, { namespace }: Scope): boolean {
  if (namespaceSelector !== undefined) return inNamespaces(namespaceSelector, one.metadata.namespace);
  return namespace === undefined || one.metadata.namespace === namespace;
}

/** A host endpoint that is known by its interface alone has no address that anybody could ask for. */
function rangesOf(one: Endpoint | NetworkSet): readonly string[] {
  if (one.kind === 'WorkloadEndpoint') return one.spec.ipNetworks;
  return one.kind === 'HostEndpoint' ? (one.spec.expectedIPs ?? []) : one.spec.nets;
}

function holdsAddress(one: Endpoint | NetworkSet, address: Address): boolean {
  return rangesOf(one).some((range) => isInRange(range, address));
}

interface Side {
  readonly rule: EntityRule;
  readonly address: Address;
  readonly port: number | undefined;
  readonly protocol: number;
  readonly wantedProtocol: number | undefined;
  readonly scope: Scope;
}

/** Endpoints and network sets that have the address. */
function holders({ address, scope }: Side): readonly (Endpoint | NetworkSet)[] {
  const all = resourcesOf<Endpoint | NetworkSet>(
    scope.resources,
    'WorkloadEndpoint',
    'HostEndpoint',
    'NetworkSet',
    'GlobalNetworkSet',
  );
  return all.filter((one) => holdsAddress(one, address));
}

/** Whether the positive selectors of the side choose one; a notSelector brings the policy's namespace with it. */
function isChosen(one: Endpoint | NetworkSet, { rule, scope }: Side): boolean {
  const scoped = [rule.selector, rule.notSelector, rule.namespaceSelector].some((part) => part !== undefined);
  return (!scoped || isInScope(one, rule, scope)) && selects(rule.selector, labelsOf(one, scope.resources));
}

function selectorsHold(side: Side): boolean {
  const { rule, scope } = side;
  const wanted = rule.selector ?? rule.namespaceSelector ?? (scope.namespace && rule.notSelector);
  const having = holders(side);
  const refused = having.some((one) => selects(rule.notSelector, labelsOf(one, scope.resources)));
  return (
    (wanted === undefined || having.some((one) => isChosen(one, side))) && (rule.notSelector === undefined || !refused)
  );
}

/** A number, a range `80:90`, or the name that the endpoint with the address has for its port. */
function isPort(wanted: number | string, side: Side): boolean {
  const { port, protocol, wantedProtocol } = side;
  if (port === undefined) return false;
  const [first = '', last = first] = `${wanted}`.split(':');
  if (/^\d+$/.test(first)) return Number(first) <= port && port <= Number(last);
  const endpoints = holders(side).filter((one) => isChosen(one, side));
  const ports = endpoints.flatMap(({ spec }) => ('ports' in spec ? (spec.ports ?? []) : []));
  return ports.some(
    (one) =>
      one.name === wanted &&
      one.port === port &&
      protocolNumber(one.protocol) === protocol &&
      (wantedProtocol === undefined || wantedProtocol === protocol),
  );
}

/** A side that asks for named ports and no number asks its selector of their endpoints alone. */
function sideHolds(side: Side): boolean {
  const { nets = [], notNets = [], ports = [], notPorts = [] } = side.rule;
  return (
    (nets.length === 0 || nets.some((range) => isInRange(range, side.address))) &&
    !notNets.some((range) => isInRange(range, side.address)) &&
    selectorsHold(side) &&
    (ports.length === 0 || ports.some((port) => isPort(port, side))) &&
    !notPorts.some((port) => isPort(port, side))
  );
}

function isIcmp({ type, code }: IcmpRule, family: 4 | 6, packet: ReferencePacket): boolean {
  if (packet.protocol !== (family === 4 ? 1 : 58)) return false;
  return (type === undefined || type === packet.icmpType) && (code === undefined || code === packet.icmpCode);
}

/** The family that a rule is about: the one that it names, or that of its nets. */
function familyOf({ ipVersion, source, destination }: Rule): 4 | 6 | undefined {
  const nets = [source, destination].flatMap((side) => [...(side?.nets ?? []), ...(side?.notNets ?? [])]);
  return ipVersion ?? (nets[0] === undefined ? undefined : nets[0].includes(':') ? 6 : 4);
}

/** Every condition that the rule has must hold. */
export function ruleMatches(rule: Rule, packet: ReferencePacket, scope: Scope): boolean {
  const [source, destination] = [readAddress(packet.source), readAddress(packet.destination)];
  const wantedProtocol = rule.protocol === undefined ? undefined : protocolNumber(rule.protocol);
  const common = { protocol: packet.protocol, wantedProtocol, scope };
  return (
    (familyOf(rule) ?? source.family) === source.family &&
    (wantedProtocol ?? packet.protocol) === packet.protocol &&
    (rule.notProtocol === undefined || protocolNumber(rule.notProtocol) !== packet.protocol) &&
    (rule.icmp === undefined || isIcmp(rule.icmp, source.family, packet)) &&
    (rule.notICMP === undefined || !isIcmp(rule.notICMP, source.family, packet)) &&
    sideHolds({ ...common, rule: rule.source ?? {}, address: source, port: packet.sourcePort }) &&
    sideHolds({ ...common, rule: rule.destination ?? {}, address: destination, port: packet.destinationPort })
  );
}
