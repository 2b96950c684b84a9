// The way from workloads to the resolver of their host: open whatever their policy says, to the two ports of DNS at its address, from
// an address of the workload's own, and closed to everybody else.
import { hostCidr } from '../../net/cidr.ts';
import type { Family } from '../../net/ip.ts';
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../../net/protocol.ts';
import { DNS_PORT, RESOLVER } from '../../net/resolver-address.ts';
import { bytesOfInterfaceName } from '../../nftables/bytes.ts';
import type { Chain, NftSet, Rule, Statement } from '../../nftables/nft.ts';
import {
  accept,
  dropping,
  goto,
  isFamily,
  isInNet,
  isLocal,
  isPort,
  isProtocol,
  rule,
} from '../../nftables/statements.ts';

const TO_RESOLVER = 'to-resolver';
/** Datagrams of each workload: one that sends more must not fill the one queue that all have. */
const RATES_SET = 'resolver-rates';
const PER_SECOND = 1_000;
const FAMILIES: readonly Family[] = [4, 6];
const PROTOCOLS = [PROTOCOL_UDP, PROTOCOL_TCP];

function isResolver(family: Family): readonly Statement[] {
  return [isFamily(family), isInNet(family === 4 ? 'daddr4' : 'daddr6', hostCidr(RESOLVER[family]))];
}

/**
 * Addresses of the link are closed to workloads otherwise; this one is open while the host has it. That of IPv6 is not closed, and
 * is looked at on its way to the host. `own`: the packet comes from an address of the workload's.
 */
export function resolverCheck(own: Statement): readonly Rule[] {
  const tooMany: Statement = { kind: 'beyond-rate-each', field: 'iifname', set: RATES_SET, perSecond: PER_SECOND };
  return [
    ...FAMILIES.map((family) =>
      dropping('too many questions', ...isResolver(family), isProtocol(PROTOCOL_UDP), tooMany),
    ),
    ...PROTOCOLS.map((protocol) =>
      rule([...isResolver(4), isProtocol(protocol), isPort('dport', DNS_PORT), own, isLocal, accept]),
    ),
  ];
}

/** What these rules count in. */
export function resolverSets(): readonly NftSet[] {
  const fixed = { key: ['ifname'], interval: false, verdicts: false, dynamic: true } as const;
  return [{ spec: { name: RATES_SET, timeoutSeconds: 10, ...fixed }, elements: new Map() }];
}

/** In place of the workload's policy. */
export function resolverWay(): readonly Rule[] {
  return FAMILIES.map((family) => rule([...isResolver(family), goto(TO_RESOLVER)]));
}

/** Where the ways of workloads lead; `first`: what holds for all that workloads begin. */
export function resolverChain(first: readonly Rule[]): Chain {
  const ports = PROTOCOLS.map((protocol) => rule([isProtocol(protocol), isPort('dport', DNS_PORT), accept]));
  return { name: TO_RESOLVER, rules: [...first, ...ports, dropping('to the resolver')] };
}

/** What has passed the chain. */
export function resolverAccepted(): readonly Rule[] {
  return FAMILIES.map((family) => rule([...isResolver(family), accept]));
}

/** Of packets that come from no workload: those of the host itself alone. */
export function resolverGuard(): readonly Rule[] {
  const value = bytesOfInterfaceName('lo');
  const elsewhere: Statement = { kind: 'compare', field: 'iifname', negated: true, value };
  return FAMILIES.map((family) => dropping('resolver of workloads', ...isResolver(family), elsewhere));
}
