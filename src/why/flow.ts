// What is asked: the first packets of a connection between two ends, one for each IP family that both have.
import { OcicatError } from '../base/errors.ts';
import { type Family, familyOf, formatIp, type Ip } from '../net/ip.ts';
import { hasPorts, PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, tryParseProtocol } from '../net/protocol.ts';
import type { Packet } from '../policy/oracle/packet.ts';
import type { Cluster } from './cluster.ts';
import { formatProtocol } from './conditions.ts';
import type { End } from './resolve.ts';

/** The words of the command line; undefined where nothing was said. */
export interface FlowWords {
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

/** Of HTTP: the port of a TCP connection of which nothing else is said. */
const USUAL_PORT = 80;
/** One that systems give to connections (RFC 6335, section 6). */
export const USUAL_SOURCE_PORT = 50_000;
const ECHO_REQUEST: Readonly<Record<Family, number>> = { 4: 8, 6: 128 };

function refuse(what: string, word: string, wanted: string): never {
  throw new OcicatError('invalid', `${what} "${word}": ${wanted} wanted`);
}

function parseNumber(what: string, word: string, max: number): number {
  const number = /^\d{1,5}$/.test(word) ? Number(word) : Number.NaN;
  return number <= max ? number : refuse(what, word, `a number from 0 to ${max}`);
}

function portByName(name: string, protocol: number, { endpoint }: End, cluster: Cluster): number {
  const ports = cluster.snapshot.endpoints.get(endpoint ?? '')?.ports ?? [];
  const found = ports.find((port) => port.name === name && port.protocol === protocol);
  if (found !== undefined) return found.port;
  const known = ports.map((port) => `${port.name} (${formatProtocol(port.protocol)} ${port.port})`);
  const names = known.length === 0 ? 'the destination has no named ports' : `the destination has ${known.join(', ')}`;
  throw new OcicatError('invalid', `port "${name}": no ${formatProtocol(protocol)} port of that name: ${names}`);
}

function readProtocol(word: string | undefined, family: Family): number {
  const protocol = word === undefined ? PROTOCOL_TCP : tryParseProtocol(word);
  if (protocol === undefined) return refuse('protocol', word ?? '', 'tcp, udp, icmp, icmpv6, sctp or a number to 255');
  const isIcmp = protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6;
  return isIcmp ? (family === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6) : protocol;
}

type Ports = Pick<Packet, 'sourcePort' | 'destinationPort' | 'icmpType' | 'icmpCode'>;

function readPorts(words: FlowWords, protocol: number, destination: End, cluster: Cluster): Ports {
  if (words.port === undefined && protocol !== PROTOCOL_TCP)
    throw new OcicatError('invalid', `protocol ${formatProtocol(protocol)}: --port wanted beside it`);
  const port = words.port ?? `${USUAL_PORT}`;
  const isName = !/^\d+$/.test(port);
  return {
    sourcePort: parseNumber('source port', words.sourcePort ?? `${USUAL_SOURCE_PORT}`, 65535),
    destinationPort: isName ? portByName(port, protocol, destination, cluster) : parseNumber('port', port, 65535),
  };
}

function readIcmp(word: string | undefined, family: Family): Ports {
  if (word === undefined) return { icmpType: ECHO_REQUEST[family], icmpCode: 0 };
  const [type = '', code = '0', ...rest] = word.split('/');
  if (rest.length > 0) refuse('ICMP type', word, 'TYPE or TYPE/CODE');
  return { icmpType: parseNumber('ICMP type', type, 255), icmpCode: parseNumber('ICMP code', code, 255) };
}

function nothingBeside(words: FlowWords, protocol: number): void {
  const isIcmp = protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6;
  const ports = words.port ?? words.sourcePort;
  if (!hasPorts(protocol) && ports !== undefined) refuse('port', ports, `no port with ${formatProtocol(protocol)}`);
  if (!isIcmp && words.icmpType !== undefined) refuse('ICMP type', words.icmpType, 'protocol icmp beside it');
}

function readPacket(words: FlowWords, source: Ip, destination: Ip, to: End, cluster: Cluster): Packet {
  const family = familyOf(source);
  const protocol = readProtocol(words.protocol, family);
  nothingBeside(words, protocol);
  const isIcmp = protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6;
  const more = hasPorts(protocol)
    ? readPorts(words, protocol, to, cluster)
    : isIcmp
      ? readIcmp(words.icmpType, family)
      : {};
  return { source, destination, protocol, ...more };
}

/** One for each family that both ends have and the words ask for. Throws `invalid` when there is none. */
export function readFlows(words: FlowWords, source: End, destination: End, cluster: Cluster): readonly Flow[] {
  const families = ([4, 6] as const).filter((family) => words.family === undefined || words.family === family);
  const addressOf = ({ addresses }: End, family: Family) => addresses.find((address) => familyOf(address) === family);
  const flows = families.flatMap((family): readonly Flow[] => {
    const [from, to] = [addressOf(source, family), addressOf(destination, family)];
    if (from === undefined || to === undefined) return [];
    return [{ family, source, destination, packet: readPacket(words, from, to, destination, cluster) }];
  });
  if (flows.length > 0) return flows;
  const listed = (end: End) => end.addresses.map(formatIp).join(', ') || 'none';
  throw new OcicatError(
    'invalid',
    `ask about "${source.word}" and "${destination.word}": they have no addresses of one family: ${listed(source)}; ${listed(destination)}`,
  );
}
