// The conditions of a rule, one by one: what each asks for, and whether the packet meets it.
import type { Truth } from '../base/truth.ts';
import { formatCidr } from '../net/cidr.ts';
import { formatPortRange } from '../net/port.ts';
import { protocolName } from '../net/protocol.ts';
import { matchesRule, type Packet } from '../policy/oracle/packet.ts';
import type { PolicySnapshot } from '../policy/oracle/snapshot.ts';
import { ANY_ENTITY, blanketRule, type EntityMatch, type RuleInput } from '../policy/types/input.ts';
import type { IcmpMatch, PacketMatch } from '../policy/types/types.ts';
import { formatSelector } from '../selector/format.ts';

export interface Condition {
  /** As a rule writes it: `source.selector`. */
  readonly field: string;
  readonly wanted: string;
  /** Undefined when it depends on what cannot be read. */
  readonly holds: Truth;
}

/** A condition, and the rule that has it alone. */
interface Single {
  readonly field: string;
  readonly wanted: string;
  readonly alone: Partial<RuleInput>;
}

export function formatProtocol(protocol: number): string {
  return protocolName(protocol) ?? String(protocol);
}

function formatIcmp({ type, code }: IcmpMatch): string {
  return code === undefined ? `type ${type}` : `type ${type}, code ${code}`;
}

type Head<K extends keyof PacketMatch> = readonly [
  field: string,
  format: (wanted: NonNullable<PacketMatch[K]>) => string,
];

/** Each condition that is not about one side, as a rule writes it; one that is new does not compile until it stands here. */
const heads: { readonly [K in keyof PacketMatch]: Head<K> } = {
  family: ['ipVersion', String],
  protocol: ['protocol', formatProtocol],
  notProtocol: ['notProtocol', formatProtocol],
  icmp: ['icmp', formatIcmp],
  notIcmp: ['notICMP', formatIcmp],
};
const HEAD_KEYS = Object.keys(heads) as readonly (keyof PacketMatch)[];

function headOf<K extends keyof PacketMatch>(key: K, rule: PacketMatch): readonly Single[] {
  const wanted = rule[key];
  if (wanted === undefined) return [];
  const [field, format] = heads[key];
  return [{ field, wanted: format(wanted), alone: { [key]: wanted } }];
}

function ofHead(rule: RuleInput): readonly Single[] {
  return HEAD_KEYS.flatMap((key) => headOf(key, rule));
}

/** The fields of one side, each with what the oracle must see to judge it: ports by name are those of its endpoints. */
function partsOf(match: EntityMatch): readonly (readonly [string, string, Partial<EntityMatch>])[] {
  const { nets, notNets, selector, notSelector, ports, namedPorts, notPorts, notNamedPorts } = match;
  const cidrs = (list: EntityMatch['nets']) => list.map(formatCidr).join(', ');
  const portTexts = (ranges: EntityMatch['ports'], names: readonly string[]) =>
    [...ranges.map(formatPortRange), ...names].join(', ');
  return [
    ...(nets.length === 0 ? [] : [['nets', cidrs(nets), { nets }] as const]),
    ...(notNets.length === 0 ? [] : [['notNets', cidrs(notNets), { notNets }] as const]),
    ...(selector === undefined ? [] : [['selector', formatSelector(selector), { selector }] as const]),
    ...(notSelector === undefined ? [] : [['notSelector', formatSelector(notSelector), { notSelector }] as const]),
    ...(ports.length + namedPorts.length === 0
      ? []
      : [['ports', portTexts(ports, namedPorts), { ports, namedPorts, selector }] as const]),
    ...(notPorts.length + notNamedPorts.length === 0
      ? []
      : [['notPorts', portTexts(notPorts, notNamedPorts), { notPorts, notNamedPorts, selector }] as const]),
  ];
}

function ofSide(rule: RuleInput, side: 'source' | 'destination'): readonly Single[] {
  return partsOf(rule[side]).map(([name, wanted, match]) => ({
    field: `${side}.${name}`,
    wanted,
    alone: { protocol: name.endsWith('orts') ? rule.protocol : undefined, [side]: { ...ANY_ENTITY, ...match } },
  }));
}

/** All of them hold (or may hold) exactly when the rule matches (or may match). */
export function listConditions(rule: RuleInput, packet: Packet, snapshot: PolicySnapshot): readonly Condition[] {
  return [...ofHead(rule), ...ofSide(rule, 'source'), ...ofSide(rule, 'destination')].map(
    ({ field, wanted, alone }) => ({
      field,
      wanted,
      holds: matchesRule({ ...blanketRule(rule.action, rule.index), ...alone }, packet, snapshot),
    }),
  );
}
