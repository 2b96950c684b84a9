// Whether one packet meets the conditions of one rule, looked up in a snapshot.
import { cidrContains } from '../net/cidr.ts';
import { familyOf, type Ip } from '../net/ip.ts';
import { portInRange } from '../net/port.ts';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../net/protocol.ts';
import { SELECT_ALL, type Selector } from '../selector/selector.ts';
import type { EntityMatch, RuleInput } from './input.ts';
import type { PolicySnapshot } from './snapshot.ts';
import { satisfies } from './snapshot-labels.ts';
import type { IcmpMatch } from './types.ts';

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
function isSelected(address: Ip, selector: Selector, snapshot: PolicySnapshot): boolean {
  const endpoints = [...snapshot.endpoints.values()].filter((endpoint) => endpoint.addresses.includes(address));
  const sets = [...snapshot.networkSets.values()].filter((set) => set.nets.some((net) => cidrContains(net, address)));
  return [...endpoints, ...sets].some((item) => satisfies(item, selector, snapshot));
}

/** Whether an endpoint that the selector matches has the address, and a port of that name with that number. */
function isNamedPort(name: string, match: EntityMatch, rule: RuleInput, side: Side, packet: Packet, s: PolicySnapshot) {
  return [...s.endpoints.values()].some(
    (endpoint) =>
      endpoint.addresses.includes(side.address) &&
      satisfies(endpoint, match.selector ?? SELECT_ALL, s) &&
      endpoint.ports.some(
        (port) =>
          port.name === name &&
          port.protocol === packet.protocol &&
          (rule.protocol === undefined || port.protocol === rule.protocol) &&
          port.port === side.port,
      ),
  );
}

function matchesSide(match: EntityMatch, rule: RuleInput, side: Side, packet: Packet, s: PolicySnapshot): boolean {
  const { address, port } = side;
  const hasName = (name: string) => isNamedPort(name, match, rule, side, packet, s);
  const inRange = (ranges: EntityMatch['ports']) => port !== undefined && ranges.some((r) => portInRange(r, port));
  if (match.nets.length > 0 && !match.nets.some((net) => cidrContains(net, address))) return false;
  if (match.notNets.some((net) => cidrContains(net, address))) return false;
  if (match.selector !== undefined && !isSelected(address, match.selector, s)) return false;
  if (match.notSelector !== undefined && isSelected(address, match.notSelector, s)) return false;
  const wantsPort = match.ports.length + match.namedPorts.length > 0;
  if (wantsPort && !inRange(match.ports) && !match.namedPorts.some(hasName)) return false;
  return !inRange(match.notPorts) && !match.notNamedPorts.some(hasName);
}

function hasIcmp(icmp: IcmpMatch, packet: Packet): boolean {
  const protocol = familyOf(packet.source) === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
  if (packet.protocol !== protocol || packet.icmpType !== icmp.type) return false;
  return icmp.code === undefined || packet.icmpCode === icmp.code;
}

/** Every condition of the rule must hold. */
export function matchesRule(rule: RuleInput, packet: Packet, snapshot: PolicySnapshot): boolean {
  if (rule.family !== undefined && familyOf(packet.source) !== rule.family) return false;
  if (rule.protocol !== undefined && packet.protocol !== rule.protocol) return false;
  if (rule.notProtocol !== undefined && packet.protocol === rule.notProtocol) return false;
  if (rule.icmp !== undefined && !hasIcmp(rule.icmp, packet)) return false;
  if (rule.notIcmp !== undefined && hasIcmp(rule.notIcmp, packet)) return false;
  const source = { address: packet.source, port: packet.sourcePort };
  const destination = { address: packet.destination, port: packet.destinationPort };
  return (
    matchesSide(rule.source, rule, source, packet, snapshot) &&
    matchesSide(rule.destination, rule, destination, packet, snapshot)
  );
}
