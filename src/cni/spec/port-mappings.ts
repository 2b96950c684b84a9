// Ports of the host that a runtime asks for: CNI's capability "portMappings" (its CONVENTIONS.md). A runtime gives it to those
// plugins of a list whose entries declare it, so whoever gets it is the one that is asked; `portmap` behind this plugin has its own.
import { type Ip, tryParseIp } from '../../net/ip.ts';
import type { PortMapping } from '../../net/port-mapping.ts';
import { hasPorts, PROTOCOL_TCP, tryParseProtocol } from '../../net/protocol.ts';
import { integer, parsedText } from '../../schema/scalars.ts';
import { type Infer, list, object, optional } from '../../schema/schema.ts';

const port = integer(1, 65_535);

const protocol = parsedText('"tcp", "udp" or "sctp"', (text) => {
  const number = tryParseProtocol(text);
  return number !== undefined && hasPorts(number) ? number : undefined;
});

const hostAddress = parsedText<Ip | ''>('an address of the host, or nothing for all', (text) =>
  text === '' ? '' : tryParseIp(text),
);

const portMapping = object({
  hostPort: port,
  containerPort: port,
  protocol: optional(protocol),
  hostIP: optional(hostAddress),
});

export const portMappingsCapability = list(portMapping);

export function toPortMapping(asked: Infer<typeof portMapping>): PortMapping {
  const { hostPort, containerPort, protocol: number = PROTOCOL_TCP, hostIP = '' } = asked;
  return { hostAddress: hostIP === '' ? undefined : hostIP, hostPort, containerPort, protocol: number, count: 1 };
}
