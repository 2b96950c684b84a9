// Encapsulated packets are taken from known hosts of the cluster alone, and pass between those whatever policy there is for the hosts
// themselves (Calico v3.33, felix/rules/static.go). This host lends nobody its address, or the way, to send them to such a host.
// Nothing of it is there while this host has no end of a VXLAN.
import type { Cidr } from '../../net/cidr.ts';
import { type Family, familyOf, type Ip } from '../../net/ip.ts';
import { PROTOCOL_UDP } from '../../net/protocol.ts';
import { bytesOfIp, hostBytesOfU32 } from '../../nftables/bytes.ts';
import { ADDRESS_LOCAL } from '../../nftables/fields.ts';
import type { BaseHook, Chain, Rule, SetSpec, Statement } from '../../nftables/nft.ts';
import {
  accept,
  counter,
  drop,
  isFamily,
  isIn,
  isInNet,
  isInterface,
  isOwn,
  isPort,
  isProtocol,
  rule,
} from '../../nftables/statements.ts';
import type { Direction } from '../../policy/types/types.ts';

/** This host's end. */
export interface VxlanEnd {
  readonly family: Family;
  readonly interfaceName: string;
  /** Inside of the tunnel. */
  readonly address: Ip;
}

export interface VxlanGuard {
  /** One for each family of addresses between hosts at most. */
  readonly ends: readonly VxlanEnd[];
  /** UDP. */
  readonly port: number;
  /** Hosts outside of the cluster that packets are taken from as well; families without an end count for nothing. */
  readonly externals: readonly Cidr[];
}

/** Addresses of the other hosts that have an end. */
export function vxlanHostsSet(family: Family): string {
  return `vxlan-hosts${family}`;
}

/** Before connection tracking, which has nothing to say of them. */
const PRIORITY_RAW = -300;
/** Before any policy for the host. */
const PRIORITY_INPUT = -3;
/** As for other sources that become the host's. */
const PRIORITY_SOURCE = 110;

const isLocal: Statement = {
  kind: 'compare',
  field: 'daddr-type',
  negated: false,
  value: hostBytesOfU32(ADDRESS_LOCAL),
};

function isVxlan({ port }: VxlanGuard, family: Family): readonly Statement[] {
  return [isFamily(family), isProtocol(PROTOCOL_UDP), isPort('dport', port)];
}

/** The other end of a packet: its sender as it comes in, its receiver as it goes out. */
function fieldOf(family: Family, direction: Direction) {
  if (direction === 'ingress') return family === 4 ? 'saddr4' : 'saddr6';
  return family === 4 ? 'daddr4' : 'daddr6';
}

/** One for the hosts of the cluster, and one for each range outside of it; negated: all of them together are so. */
function knownEnds(guard: VxlanGuard, family: Family, direction: Direction, negated = false): readonly Statement[] {
  const field = fieldOf(family, direction);
  const externals = direction === 'egress' ? [] : guard.externals.filter(({ address }) => familyOf(address) === family);
  return [isIn([field], vxlanHostsSet(family), negated), ...externals.map((cidr) => isInNet(field, cidr, negated))];
}

function knownRules(guard: VxlanGuard, direction: Direction, then: readonly Statement[]): readonly Rule[] {
  return guard.ends.flatMap(({ family }) =>
    knownEnds(guard, family, direction).map((known) => rule([...isVxlan(guard, family), known, ...then])),
  );
}

/** What lets packets between ends through, ahead of policies for this host. */
export function computeVxlanPass(guard: VxlanGuard, direction: Direction): readonly Rule[] {
  return knownRules(guard, direction, [accept]);
}

/** What comes to be forwarded may get this host's own address on the way, by a masquerade that somebody else has made. */
function strangersRules(guard: VxlanGuard): readonly Rule[] {
  return guard.ends.map(({ family }) => {
    const toHost = isIn([fieldOf(family, 'egress')], vxlanHostsSet(family));
    const isStranger = knownEnds(guard, family, 'ingress', true);
    const statements = [...isVxlan(guard, family), toHost, ...isStranger, counter, drop];
    return rule(statements, 'VXLAN that a stranger sends to a host');
  });
}

function baseChain(name: string, hook: BaseHook['hook'], priority: number, rules: readonly Rule[]): Chain {
  return { name, base: { type: 'filter', hook, priority }, rules };
}

/** What the host sends into the tunnel from another address of its own would be answered past the tunnel. */
function ownSources({ ends }: VxlanGuard): Chain {
  const rules = ends.map(({ family, interfaceName, address }) => {
    const field = family === 4 ? 'saddr4' : 'saddr6';
    const isOther: Statement = { kind: 'compare', field, negated: true, value: bytesOfIp(address) };
    return rule([isFamily(family), isOwn, isInterface('oifname', interfaceName), isOther, { kind: 'masquerade' }]);
  });
  return { name: 'base-vxlan-source', base: { type: 'nat', hook: 'postrouting', priority: PRIORITY_SOURCE }, rules };
}

export function computeVxlanChains(guard: VxlanGuard): readonly Chain[] {
  const unknown = guard.ends.map(({ family }) =>
    rule([...isVxlan(guard, family), counter, drop], 'VXLAN from an unknown host'),
  );
  const untracked: Statement = { kind: 'notrack' };
  return [
    baseChain('base-vxlan-raw-in', 'prerouting', PRIORITY_RAW, [
      ...knownRules(guard, 'ingress', [isLocal, untracked]),
      ...strangersRules(guard),
    ]),
    baseChain('base-vxlan-raw-out', 'output', PRIORITY_RAW, knownRules(guard, 'egress', [untracked])),
    baseChain('base-vxlan-input', 'input', PRIORITY_INPUT, [...computeVxlanPass(guard, 'ingress'), ...unknown]),
    ownSources(guard),
  ];
}

export function computeVxlanSets({ ends }: VxlanGuard): readonly SetSpec[] {
  return ends.map(({ family }) => ({
    name: vxlanHostsSet(family),
    key: [family === 4 ? 'ipv4_addr' : 'ipv6_addr'],
    ...{ interval: false, verdicts: false },
  }));
}
