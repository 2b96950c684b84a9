// Ports of the host that are to lead to a container, as podman hands all of them to each of its networks (netavark 2.1,
// src/network/types.rs).
import { tryParseIp } from '../../net/ip.ts';
import { type PortMapping, tryMakePortMapping } from '../../net/port-mapping.ts';
import { PROTOCOL_TCP, tryParseProtocol } from '../../net/protocol.ts';
import { integer, parsedText } from '../../schema/scalars.ts';
import { between, filled, type Infer, list, object, required, sparse } from '../../schema/schema.ts';

const PROTOCOLS = ['tcp', 'udp', 'sctp'];
const port = integer(1, 65_535);

const protocols = parsedText('"tcp", "udp" or "sctp", or several of them joined by ","', (value) => {
  const words = value.split(',').map((word) => word.trim().toLowerCase());
  return words.every((word) => PROTOCOLS.includes(word)) ? words.map((word) => tryParseProtocol(word) ?? 0) : undefined;
});

const TCP = [PROTOCOL_TCP];

const mapping = object(
  {
    container_port: required(port, ''),
    host_ip: sparse(parsedText('an address of the host', tryParseIp), ''),
    host_port: required(port, ''),
    protocol: sparse(protocols, ''),
    range: filled(integer(0, 65_535), 1, ''),
  },
  between(['container_port', 'host_port', 'range'], ({ container_port, host_port, range }, report) => {
    if (Math.max(container_port, host_port) + Math.max(range, 1) - 1 > 65_535) report('range', 'ports up to 65535');
  }),
);

export const portMappingList = list(mapping);

/** One for each protocol. */
export function toPortMappings(listed: Infer<typeof portMappingList>): readonly PortMapping[] {
  return listed.flatMap(({ container_port, host_ip, host_port, protocol = TCP, range }) => {
    const ports = { hostPort: host_port, containerPort: container_port, count: Math.max(range, 1) };
    return protocol.flatMap((one) => tryMakePortMapping({ hostAddress: host_ip, ...ports, protocol: one }) ?? []);
  });
}
