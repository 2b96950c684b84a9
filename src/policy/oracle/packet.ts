// Whether one packet meets the conditions of one rule, looked up in a snapshot.
import { allOf, anyOf, not, type Truth } from '../../base/truth.ts';
import { cidrContains } from '../../net/cidr.ts';
import { familyOf, type Ip } from '../../net/ip.ts';
import { portInRange } from '../../net/port.ts';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../../net/protocol.ts';
import { SELECT_ALL, type Selector } from '../../selector/selector.ts';
import type { EndpointInput, EntityMatch, RuleInput } from '../types/input.ts';
import type { IcmpMatch } from '../types/types.ts';
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

interface Side {
  readonly address: Ip;
  readonly port: number | undefined;
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
 * Whether one that the selector matches or not gives what is asked for. One that only may be matched gives nothing but
 * doubt, whatever it has (so the calculation counts, too).
 */
function belongs(has: boolean, partial: boolean, matched: Truth): Truth {
  if (matched === true && !has) return partial ? undefined : false;
  return matched;
}

/** Whether an endpoint that the selector matches has the address, and a port of that name with that number. */
function isNamedPort(name: string, match: EntityMatch, rule: RuleInput, side: Side, packet: Packet, s: PolicySnapshot) {
  const hasPort = ({ addresses, ports }: EndpointInput) =>
    addresses.includes(side.address) &&
    ports.some(
      (port) =>
        port.name === name &&
        port.protocol === packet.protocol &&
        (rule.protocol === undefined || port.protocol === rule.protocol) &&
        port.port === side.port,
    );
  const selector = match.selector ?? SELECT_ALL;
  const endpoints = [...s.endpoints.values()].map((one) =>
    belongs(hasPort(one), one.partial, satisfies(one, selector, s)),
  );
  const doubts = [...s.networkSets.values()].map((one) => belongs(false, one.partial, satisfies(one, selector, s)));
  return anyOf([...endpoints, ...doubts]);
}

function matchesSide(match: EntityMatch, rule: RuleInput, side: Side, packet: Packet, s: PolicySnapshot): Truth {
  const { address, port } = side;
  const hasName = (name: string) => isNamedPort(name, match, rule, side, packet, s);
  const inRange = (ranges: EntityMatch['ports']) => port !== undefined && ranges.some((r) => portInRange(r, port));
  const wantsPort = match.ports.length + match.namedPorts.length > 0;
  return allOf([
    match.nets.length === 0 || match.nets.some((net) => cidrContains(net, address)),
    !match.notNets.some((net) => cidrContains(net, address)),
    match.selector === undefined || isSelected(address, match.selector, s),
    match.notSelector === undefined || not(isSelected(address, match.notSelector, s)),
    !wantsPort || anyOf([inRange(match.ports), ...match.namedPorts.map(hasName)]),
    !inRange(match.notPorts),
    not(anyOf(match.notNamedPorts.map(hasName))),
  ]);
}

function hasIcmp(icmp: IcmpMatch, packet: Packet): boolean {
  const protocol = familyOf(packet.source) === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
  if (packet.protocol !== protocol || packet.icmpType !== icmp.type) return false;
  return icmp.code === undefined || packet.icmpCode === icmp.code;
}

/** Every condition of the rule must hold. Undefined when it depends on what could not be read. */
export function matchesRule(rule: RuleInput, packet: Packet, snapshot: PolicySnapshot): Truth {
  if (rule.family !== undefined && familyOf(packet.source) !== rule.family) return false;
  if (rule.protocol !== undefined && packet.protocol !== rule.protocol) return false;
  if (rule.notProtocol !== undefined && packet.protocol === rule.notProtocol) return false;
  if (rule.icmp !== undefined && !hasIcmp(rule.icmp, packet)) return false;
  if (rule.notIcmp !== undefined && hasIcmp(rule.notIcmp, packet)) return false;
  const source = { address: packet.source, port: packet.sourcePort };
  const destination = { address: packet.destination, port: packet.destinationPort };
  return allOf([
    matchesSide(rule.source, rule, source, packet, snapshot),
    matchesSide(rule.destination, rule, destination, packet, snapshot),
  ]);
}
