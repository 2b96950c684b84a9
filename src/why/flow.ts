// What is asked: the first packets of a connection between two ends, one for each IP family that both have.
import { OcicatError } from '../base/errors.ts';
import { type Family, familyOf, formatIp, type Ip } from '../net/ip.ts';
import { hasPorts, PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, tryParseProtocol } from '../net/protocol.ts';
import type { Packet } from '../policy/oracle/packet.ts';
import type { Cluster } from './cluster.ts';
import { formatProtocol } from './conditions.ts';
import type { End } from './resolve.ts';

/** The options of the command line; undefined where one is not set. */
export interface FlowOptions {
  readonly protocol: string | undefined;
  /** A number, or the name that the destination has for one of its ports. */
  readonly port: string | undefined;
  readonly sourcePort: string | undefined;
  /** `TYPE` or `TYPE/CODE`. */
  readonly icmpType: string | undefined;
  readonly family: Family | undefined;
}

export interface Flow {
  readonly family: Family;
  readonly packet: Packet;
  readonly source: End;
  readonly destination: End;
}

/** Of HTTP: the port of a TCP connection where none is set. */
const USUAL_PORT = 80;
/** One that systems give to connections (RFC 6335, section 6). */
export const USUAL_SOURCE_PORT = 50_000;
const ECHO_REQUEST: Readonly<Record<Family, number>> = { 4: 8, 6: 128 };

function refuse(what: string, value: string, wanted: string): never {
  throw new OcicatError('invalid', `${what} "${value}": ${wanted} wanted`);
}

function parseNumber(what: string, value: string, max: number): number {
  const number = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  return number <= max ? number : refuse(what, value, `a number from 0 to ${max}`);
}

function portByName(name: string, protocol: number, { endpoint }: End, cluster: Cluster): number {
  const ports = cluster.snapshot.endpoints.get(endpoint ?? '')?.ports ?? [];
  const match = ports.find((port) => port.name === name && port.protocol === protocol);
  if (match !== undefined) return match.port;
  const known = ports.map((port) => `${port.name} (${formatProtocol(port.protocol)} ${port.port})`);
  const names = known.length === 0 ? 'the destination has no named ports' : `the destination has ${known.join(', ')}`;
  throw new OcicatError('invalid', `port "${name}": no ${formatProtocol(protocol)} port of that name: ${names}`);
}

function readProtocol(value: string | undefined, family: Family): number {
  const protocol = value === undefined ? PROTOCOL_TCP : tryParseProtocol(value);
  if (protocol === undefined) return refuse('protocol', value ?? '', 'tcp, udp, icmp, icmpv6, sctp or a number to 255');
  const isIcmp = protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6;
  return isIcmp ? (family === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6) : protocol;
}

type Ports = Pick<Packet, 'sourcePort' | 'destinationPort' | 'icmpType' | 'icmpCode'>;

function readPorts(options: FlowOptions, protocol: number, destination: End, cluster: Cluster): Ports {
  if (options.port === undefined && protocol !== PROTOCOL_TCP)
    throw new OcicatError('invalid', `protocol ${formatProtocol(protocol)}: --port wanted beside it`);
  const port = options.port ?? `${USUAL_PORT}`;
  const isName = !/^\d+$/.test(port);
  return {
    sourcePort: parseNumber('source port', options.sourcePort ?? `${USUAL_SOURCE_PORT}`, 65535),
    destinationPort: isName ? portByName(port, protocol, destination, cluster) : parseNumber('port', port, 65535),
  };
}

function readIcmp(value: string | undefined, family: Family): Ports {
  if (value === undefined) return { icmpType: ECHO_REQUEST[family], icmpCode: 0 };
  const [type = '', code = '0', ...rest] = value.split('/');
  if (rest.length > 0) refuse('ICMP type', value, 'TYPE or TYPE/CODE');
  return { icmpType: parseNumber('ICMP type', type, 255), icmpCode: parseNumber('ICMP code', code, 255) };
}

function nothingBeside(options: FlowOptions, protocol: number): void {
  const isIcmp = protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6;
  const ports = options.port ?? options.sourcePort;
  if (!hasPorts(protocol) && ports !== undefined) refuse('port', ports, `no port with ${formatProtocol(protocol)}`);
  if (!isIcmp && options.icmpType !== undefined) refuse('ICMP type', options.icmpType, 'protocol icmp beside it');
}

function readPacket(options: FlowOptions, source: Ip, destination: Ip, to: End, cluster: Cluster): Packet {
  const family = familyOf(source);
  const protocol = readProtocol(options.protocol, family);
  nothingBeside(options, protocol);
  const isIcmp = protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6;
  const more = hasPorts(protocol)
    ? readPorts(options, protocol, to, cluster)
    : isIcmp
      ? readIcmp(options.icmpType, family)
      : {};
  return { source, destination, protocol, ...more };
}

/** One for each family that both ends have and the options ask for. Throws `invalid` when there is none. */
export function readFlows(options: FlowOptions, source: End, destination: End, cluster: Cluster): readonly Flow[] {
  const families = ([4, 6] as const).filter((family) => options.family === undefined || options.family === family);
  const addressOf = ({ addresses }: End, family: Family) => addresses.find((address) => familyOf(address) === family);
  const flows = families.flatMap((family): readonly Flow[] => {
    const [from, to] = [addressOf(source, family), addressOf(destination, family)];
    if (from === undefined || to === undefined) return [];
    return [{ family, source, destination, packet: readPacket(options, from, to, destination, cluster) }];
  });
  if (flows.length > 0) return flows;
  const listed = (end: End) => end.addresses.map(formatIp).join(', ') || 'none';
  throw new OcicatError(
    'invalid',
    `ask about "${source.reference}" and "${destination.reference}": they have no addresses of one family: ${listed(source)}; ${listed(destination)}`,
  );
}
