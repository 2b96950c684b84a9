// The part of the table that translates addresses, as far as it is always there: what leaves with the host's address, and
// where floating addresses are looked up.
import type { Family } from '../../net/ip.ts';
import type { PortRange } from '../../net/port.ts';
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../../net/protocol.ts';
import { bytesOfInterfaceName, bytesOfIp } from '../../nftables/bytes.ts';
import type { Chain, KeyType, NftSet, Rule, Statement } from '../../nftables/nft.ts';
import { isFamily, isIn, isProtocol, rule, verdictOf } from '../../nftables/statements.ts';
import type { NatConfig } from './config.ts';
import * as names from './names.ts';

const FAMILIES = [4, 6] as const;
/** Where destinations are usually translated. */
const PRIORITY_DESTINATION = -100;
/** After other tables' source NAT (100), as Calico's. */
const PRIORITY_SOURCE = 110;

function fieldsOf(family: Family) {
  return family === 4
    ? ({ source: 'saddr4', destination: 'daddr4' } as const)
    : ({ source: 'saddr6', destination: 'daddr6' } as const);
}

function leavesThrough(filter: string | undefined): readonly Statement[] {
  if (filter === undefined || filter === '+') return [];
  if (filter.endsWith('+')) return [{ kind: 'name-prefix', field: 'oifname', value: filter.slice(0, -1) }];
  return [{ kind: 'compare', field: 'oifname', negated: false, value: bytesOfInterfaceName(filter) }];
}

function newSource(family: Family, { address }: NatConfig, ports?: PortRange): Statement {
  const range = ports === undefined ? {} : { ports };
  return family === 4 && address !== undefined
    ? { kind: 'source-nat', address: bytesOfIp(address), ...range }
    : { kind: 'masquerade', ...range };
}

/** Only TCP and UDP have ports that may be chosen. */
function outgoing(family: Family, config: NatConfig): readonly Rule[] {
  const { source, destination } = fieldsOf(family);
  const leaving = [
    isFamily(family),
    isIn([source], names.masqueradeSet(family)),
    isIn([destination], names.directSet(family), true),
    ...leavesThrough(config.interfaceFilter),
  ];
  const { ports } = config;
  const withPorts = ports === undefined ? [] : [PROTOCOL_TCP, PROTOCOL_UDP];
  return [
    ...withPorts.map((protocol) => rule([...leaving, isProtocol(protocol), newSource(family, config, ports)])),
    rule([...leaving, newSource(family, config)]),
  ];
}

/** An endpoint that calls its own floating address would get packets from itself, which no kernel takes. */
function hairpin(family: Family): Rule {
  const { source, destination } = fieldsOf(family);
  return rule([isFamily(family), verdictOf([source, destination], names.hairpinMap(family))]);
}

function destinations(hook: 'prerouting' | 'output'): Chain {
  const lookups = FAMILIES.map((family) =>
    rule([isFamily(family), verdictOf([fieldsOf(family).destination], names.floatingMap(family))]),
  );
  return { name: `base-nat-${hook}`, base: { type: 'nat', hook, priority: PRIORITY_DESTINATION }, rules: lookups };
}

export function computeNatChains(config: NatConfig): readonly Chain[] {
  const { floatingAddresses } = config;
  const rules = [
    ...(floatingAddresses ? FAMILIES.map(hairpin) : []),
    ...FAMILIES.flatMap((family) => outgoing(family, config)),
  ];
  return [
    { name: 'base-postrouting', base: { type: 'nat', hook: 'postrouting', priority: PRIORITY_SOURCE }, rules },
    ...(floatingAddresses ? [destinations('prerouting'), destinations('output')] : []),
  ];
}

function openSet(name: string, key: readonly KeyType[], kind: 'ranges' | 'verdicts'): NftSet {
  return { spec: { name, key, interval: kind === 'ranges', verdicts: kind === 'verdicts' }, elements: new Map() };
}

/** Filled as pools and endpoints say. */
export function computeNatSets(): readonly NftSet[] {
  return FAMILIES.flatMap((family) => {
    const key: KeyType = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
    return [
      openSet(names.masqueradeSet(family), [key], 'ranges'),
      openSet(names.directSet(family), [key], 'ranges'),
      openSet(names.floatingMap(family), [key], 'verdicts'),
      openSet(names.hairpinMap(family), [key, key], 'verdicts'),
    ];
  });
}
