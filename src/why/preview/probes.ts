// The packets that a comparison of two states tries: one for each port, protocol and ICMP type that the rules name, and one of
// TCP, UDP and ICMP that no rule names.
import { type PortRange, portInRange } from '../../net/port.ts';
import { hasPorts, PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP } from '../../net/protocol.ts';
import type { RuleInput } from '../../policy/types/input.ts';
import type { IcmpMatch } from '../../policy/types/types.ts';
import { formatProtocol } from '../conditions.ts';
import { USUAL_SOURCE_PORT } from '../flow.ts';

export interface Probe {
  readonly protocol: number;
  /** Of the destination: a number, or the name that the destination has for it. */
  readonly port?: number | string;
  readonly sourcePort?: number;
  readonly icmp?: IcmpMatch;
}

export const MAX_PROBES = 32;
const ECHO_REQUEST = { [PROTOCOL_ICMP]: 8, [PROTOCOL_ICMPV6]: 128 } as const;

function rangesOf(rules: readonly RuleInput[]): readonly PortRange[] {
  return rules.flatMap(({ destination }) => [...destination.ports, ...destination.notPorts]);
}

/** The lowest port that no rule names. */
function unnamedPort(rules: readonly RuleInput[]): number {
  const ranges = rangesOf(rules);
  const candidates = [1, ...ranges.map(({ max }) => max + 1)].sort((a, b) => a - b);
  return candidates.find((port) => !ranges.some((range) => portInRange(range, port))) ?? 65535;
}

function probesOfPorts({ source, destination }: RuleInput, protocol: number, other: number): readonly Probe[] {
  const numbers = [...destination.ports, ...destination.notPorts].map(({ min }) => min);
  const names = [...destination.namedPorts, ...destination.notNamedPorts];
  const sources = [...source.ports, ...source.notPorts].map(({ min }) => min);
  const ports = [...numbers, ...names];
  return [
    ...ports.map((port) => ({ protocol, port })),
    ...sources.flatMap((sourcePort) => [ports[0] ?? other].map((port): Probe => ({ protocol, port, sourcePort }))),
  ];
}

function probesOfRule(rule: RuleInput, other: number): readonly Probe[] {
  const { protocol, notProtocol, icmp, notIcmp } = rule;
  const types = [icmp, notIcmp].filter((match) => match !== undefined);
  const protocols = [protocol, notProtocol].filter((one) => one !== undefined);
  const icmps = protocols.length === 0 ? [PROTOCOL_ICMP, PROTOCOL_ICMPV6] : protocols;
  return [
    ...(protocols.length === 0 ? [PROTOCOL_TCP, PROTOCOL_UDP] : protocols)
      .filter(hasPorts)
      .flatMap((one) => probesOfPorts(rule, one, other)),
    ...protocols.map((one) => unnamed(one, other)),
    ...types.flatMap((match) => icmps.map((one): Probe => ({ protocol: one, icmp: match }))),
  ];
}

/** A probe of a protocol that a rule matches without ports or ICMP types. */
function unnamed(protocol: number, port: number): Probe {
  if (hasPorts(protocol)) return { protocol, port };
  if (protocol !== PROTOCOL_ICMP && protocol !== PROTOCOL_ICMPV6) return { protocol };
  return { protocol, icmp: { type: ECHO_REQUEST[protocol], code: 0 } };
}

/** Each once; those of no rule first. More than MAX_PROBES are left to the caller to cut off. */
export function listProbes(rules: readonly RuleInput[]): readonly Probe[] {
  const other = unnamedPort(rules);
  const always = [PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMP, PROTOCOL_ICMPV6].map((one) => unnamed(one, other));
  const all = [...always, ...rules.flatMap((rule) => probesOfRule(rule, other))];
  return [...new Map(all.map((probe) => [formatProbe(probe), probe])).values()];
}

/** `TCP port 80`, `ICMP type 8`. */
export function formatProbe({ protocol, port, sourcePort, icmp }: Probe): string {
  const from = sourcePort === undefined || sourcePort === USUAL_SOURCE_PORT ? '' : ` from port ${sourcePort}`;
  const type = icmp === undefined ? '' : ` type ${icmp.type} code ${icmp.code ?? 0}`;
  return `${formatProtocol(protocol)}${port === undefined ? '' : ` port ${port}`}${from}${type}`;
}
