// What no policy of a host endpoint closes: the failsafe ports, and the ICMPv6 that finds neighbours and routers.
import { cidrFamily } from '../../net/cidr.ts';
import { PROTOCOL_ICMPV6 } from '../../net/protocol.ts';
import { bytesOfU8, bytesOfU16, padToWord } from '../../nftables/bytes.ts';
import type { Chain, Field, NftSet, Rule } from '../../nftables/nft.ts';
import { accept, isFamily, isIn, isInNet, isPort, isProtocol, rule } from '../../nftables/statements.ts';
import type { FailsafePort, Failsafes } from '../../policy/types/failsafe.ts';
import { DIRECTIONS, type Direction } from '../../policy/types/types.ts';
import { failsafeChain, failsafeSet, HOST_DISCOVERY_SET } from './names.ts';

/** RFC 4890, section 4.4.1: neighbours, routers, and listeners to groups, without which a switch sends no solicitations. */
const DISCOVERY_TYPES = [130, 131, 132, 133, 134, 135, 136, 143];

/** The peer of a packet in that direction. */
function peerField(direction: Direction, family: 4 | 6): Field {
  const side = direction === 'ingress' ? 'saddr' : 'daddr';
  return `${side}${family}`;
}

function limitedRule(
  { protocol, port, net }: FailsafePort,
  direction: Direction,
  side: 'sport' | 'dport',
): readonly Rule[] {
  if (net === undefined) return [];
  const family = cidrFamily(net);
  const anywhere = net.prefixLength === 0 ? [] : [isInNet(peerField(direction, family), net)];
  return [rule([isFamily(family), ...anywhere, isProtocol(protocol), isPort(side, port), accept])];
}

/** Packets in a direction to the ports of `ports` there, or with `sport` the answers from the ports of the other side. */
function portRules(
  failsafes: Failsafes,
  ports: Direction,
  direction: Direction,
  side: 'sport' | 'dport',
): readonly Rule[] {
  return [
    rule([isIn(['l4proto', side], failsafeSet(ports)), accept]),
    ...failsafes[ports].flatMap((port) => limitedRule(port, direction, side)),
  ];
}

function chainOf(failsafes: Failsafes, direction: Direction, untracked: boolean): Chain {
  const other = direction === 'ingress' ? 'egress' : 'ingress';
  return {
    name: failsafeChain(direction, untracked),
    rules: [
      ...portRules(failsafes, direction, direction, 'dport'),
      ...(untracked ? portRules(failsafes, other, direction, 'sport') : []),
      rule([isFamily(6), isProtocol(PROTOCOL_ICMPV6), isIn(['icmpv6-type'], HOST_DISCOVERY_SET), accept]),
    ],
  };
}

function portSet(failsafes: Failsafes, direction: Direction): NftSet {
  const open = failsafes[direction].filter(({ net }) => net === undefined);
  const keys = open.map(({ protocol, port }) => padToWord(bytesOfU8(protocol)) + padToWord(bytesOfU16(port)));
  return {
    spec: { name: failsafeSet(direction), key: ['inet_proto', 'inet_service'], interval: false, verdicts: false },
    elements: new Map(keys.map((key) => [key, undefined])),
  };
}

export function computeFailsafeChains(failsafes: Failsafes): readonly Chain[] {
  return DIRECTIONS.flatMap((direction) => [chainOf(failsafes, direction, false), chainOf(failsafes, direction, true)]);
}

export function computeFailsafeSets(failsafes: Failsafes): readonly NftSet[] {
  const discovery: NftSet = {
    spec: { name: HOST_DISCOVERY_SET, key: ['icmpv6_type'], interval: false, verdicts: false },
    elements: new Map(DISCOVERY_TYPES.map((type) => [bytesOfU8(type), undefined])),
  };
  return [discovery, ...DIRECTIONS.map((direction) => portSet(failsafes, direction))];
}
