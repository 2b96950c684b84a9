// Whether one packet meets the conditions of one rule, looked up in a snapshot.
import { allOf, anyOf, not, type Truth } from '../../base/truth.ts';
import { cidrContains } from '../../net/cidr.ts';
import { familyOf, type Ip } from '../../net/ip.ts';
import { portInRange } from '../../net/port.ts';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../../net/protocol.ts';
import { SELECT_ALL, type Selector } from '../../selector/selector.ts';
import type { EndpointInput, EntityMatch, RuleInput } from '../types/input.ts';
import type { IcmpMatch, PacketMatch } from '../types/types.ts';
import type { PolicySnapshot } from './snapshot.ts';
import { satisfies } from './snapshot-labels.ts';

/** The first packet of a connection. Ports for TCP, UDP and SCTP, type and code for ICMP and ICMPv6. */
export interface Packet {
  readonly source: Ip;
  readonly destination: Ip;
  readonly protocol: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

/** Whether some endpoint or network set that the selector matches has the address. */
function isSelected(address: Ip, selector: Selector, snapshot: PolicySnapshot): Truth {
  const endpoints = [...snapshot.endpoints.values()].map((one) => ({ one, has: one.addresses.includes(address) }));
  const sets = [...snapshot.networkSets.values()].map((one) => ({
    one,
    has: one.nets.some((net) => cidrContains(net, address)),
  }));
  return anyOf(
    [...endpoints, ...sets].map(({ one, has }) => belongs(has, one.partial, satisfies(one, selector, snapshot))),
  );
}

/**
 * Whether one that the selector matches or not gives what is asked for. Of one that only may be matched this is unknown,
 * whatever it has (so the calculation counts, too).
 */
function belongs(has: boolean, partial: boolean, matched: Truth): Truth {
  if (matched === true && !has) return partial ? undefined : false;
  return matched;
}

/** A side of the rule and of the packet, with what its conditions are looked up in. */
interface SideContext {
  readonly match: EntityMatch;
  readonly rule: RuleInput;
  readonly address: Ip;
  readonly port: number | undefined;
  readonly protocol: number;
  readonly snapshot: PolicySnapshot;
}

/** Whether an endpoint that the selector matches has the address, and a port of that name with that number. */
function hasNamedPort(name: string, { match, rule, address, port, protocol, snapshot }: SideContext): Truth {
  const hasPort = ({ addresses, ports }: EndpointInput) =>
    addresses.includes(address) &&
    ports.some(
      (one) =>
        one.name === name &&
        one.protocol === protocol &&
        (rule.protocol === undefined || one.protocol === rule.protocol) &&
        one.port === port,
    );
  const selector = match.selector ?? SELECT_ALL;
  const endpoints = [...snapshot.endpoints.values()].map((one) =>
    belongs(hasPort(one), one.partial, satisfies(one, selector, snapshot)),
  );
  const ofSets = [...snapshot.networkSets.values()].map((one) =>
    belongs(false, one.partial, satisfies(one, selector, snapshot)),
  );
  return anyOf([...endpoints, ...ofSets]);
}

function inNets(nets: EntityMatch['nets'], { address }: SideContext): boolean {
  return nets.some((net) => cidrContains(net, address));
}

function inRanges(ranges: EntityMatch['ports'], { port }: SideContext): boolean {
  return port !== undefined && ranges.some((range) => portInRange(range, port));
}

function hasNames(names: readonly string[], context: SideContext): Truth {
  return anyOf(names.map((name) => hasNamedPort(name, context)));
}

/** Numeric and named ports are alternatives of one another. */
function hasWantedPort(context: SideContext): Truth {
  const { ports, namedPorts } = context.match;
  if (ports.length + namedPorts.length === 0) return true;
  return anyOf([inRanges(ports, context), hasNames(namedPorts, context)]);
}

/** Every condition on a side; each must hold. */
const sideConditions: { readonly [K in keyof EntityMatch]: (context: SideContext) => Truth } = {
  nets: (context) => context.match.nets.length === 0 || inNets(context.match.nets, context),
  notNets: (context) => !inNets(context.match.notNets, context),
  selector: ({ match: { selector }, address, snapshot }) =>
    selector === undefined || isSelected(address, selector, snapshot),
  notSelector: ({ match: { notSelector }, address, snapshot }) =>
    notSelector === undefined || not(isSelected(address, notSelector, snapshot)),
  ports: hasWantedPort,
  namedPorts: hasWantedPort,
  notPorts: (context) => !inRanges(context.match.notPorts, context),
  notNamedPorts: (context) => not(hasNames(context.match.notNamedPorts, context)),
};

function hasIcmp(icmp: IcmpMatch, packet: Packet): boolean {
  const protocol = familyOf(packet.source) === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
  if (packet.protocol !== protocol || packet.icmpType !== icmp.type) return false;
  return icmp.code === undefined || packet.icmpCode === icmp.code;
}

/** Every condition that is not about one side; each must hold where it is set. */
const packetConditions: {
  readonly [K in keyof PacketMatch]: (wanted: NonNullable<PacketMatch[K]>, packet: Packet) => boolean;
} = {
  family: (family, packet) => familyOf(packet.source) === family,
  protocol: (protocol, packet) => packet.protocol === protocol,
  notProtocol: (protocol, packet) => packet.protocol !== protocol,
  icmp: hasIcmp,
  notIcmp: (icmp, packet) => !hasIcmp(icmp, packet),
};
const PACKET_KEYS = Object.keys(packetConditions) as readonly (keyof PacketMatch)[];

function holds<K extends keyof PacketMatch>(key: K, rule: PacketMatch, packet: Packet): boolean {
  const wanted = rule[key];
  return wanted === undefined || packetConditions[key](wanted, packet);
}

/** Whether the packet meets all that a rule asks beside its sides. */
export function meetsPacketMatch(rule: PacketMatch, packet: Packet): boolean {
  return PACKET_KEYS.every((key) => holds(key, rule, packet));
}

/** Every condition of the rule must hold. Undefined when it depends on what could not be read. */
export function matchesRule(rule: RuleInput, packet: Packet, snapshot: PolicySnapshot): Truth {
  if (!meetsPacketMatch(rule, packet)) return false;
  const { source, destination, sourcePort, destinationPort, protocol } = packet;
  const sides: readonly SideContext[] = [
    { match: rule.source, rule, address: source, port: sourcePort, protocol, snapshot },
    { match: rule.destination, rule, address: destination, port: destinationPort, protocol, snapshot },
  ];
  return allOf(sides.flatMap((side) => Object.values(sideConditions).map((condition) => condition(side))));
}
