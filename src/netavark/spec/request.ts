// SETUP and TEARDOWN: one container and one of its networks, as netavark hands them to a plugin (netavark 2.1, plugin-API.md
// and src/network/types.rs). What a plugin does not know of an absent key it is told by null, or not at all.
import { OcicatError } from '../../base/errors.ts';
import { storableContainerId } from '../../model/endpoint/container-id.ts';
import type { Attachment } from '../../model/endpoint/workload-endpoint-name.ts';
import { interfaceName } from '../../model/meta/names.ts';
import { NAME_WANTED, parseNames, tryParseName } from '../../names/name.ts';
import { formatIp, type Ip, tryParseIp } from '../../net/ip.ts';
import { type Mac, macToBytes, tryParseMac } from '../../net/mac.ts';
import type { PortMapping } from '../../net/port-mapping.ts';
import { parseDocument } from '../../schema/parse.ts';
import { parsedText, text } from '../../schema/scalars.ts';
import { filled, list, map, object, required, type Scalar, sparse } from '../../schema/schema.ts';
import { mayHave, type Network, networkFile, toNetwork } from './network.ts';
import { portMappingList, toPortMappings } from './port-mappings.ts';

/** A container's place in a network: all that its end is asked for by. */
export interface Placement {
  readonly attachment: Attachment;
  /** The container's ID as podman says it. */
  readonly containerId: string;
  readonly network: string;
}

export interface SetupRequest extends Placement {
  readonly file: Network;
  /** As podman knows the container; empty when it has none. */
  readonly containerName: string;
  /** By which others of the network find it. */
  readonly names: readonly string[];
  /** These very addresses, in order; each once. */
  readonly addresses: readonly Ip[];
  readonly mac: Mac | undefined;
  readonly portMappings: readonly PortMapping[];
}

const anyText = text({ pattern: /./s, wanted: 'a text that is not empty' });
const alias = parsedText(NAME_WANTED, tryParseName);
const address = parsedText('an IPv4 or IPv6 address', tryParseIp);
const mac = parsedText('an Ethernet address of one interface, such as "02:00:00:00:00:01"', (value) => {
  const parsed = tryParseMac(value);
  return parsed !== undefined && ((macToBytes(parsed)[0] ?? 0) & 1) === 0 ? parsed : undefined;
});

/** Of one container in a network podman 5.6 knows `host_interface_name` alone. */
const none: Scalar<never> = {
  shape: 'scalar',
  wanted: 'no option: a network is told by `podman network create`',
  json: {},
  read: () => undefined,
};

const setup = object({
  container_id: anyText,
  container_name: filled(text(), '', ''),
  port_mappings: filled(portMappingList, [], ''),
  network: required(networkFile, ''),
  network_options: object({
    aliases: filled(list(alias), [], ''),
    interface_name: interfaceName,
    static_ips: filled(list(address), [], ''),
    static_mac: sparse(mac, ''),
    options: sparse(map(text(), none), ''),
  }),
});

/** Of a network that is long gone, or that this program would not make any more: a container leaves it all the same. */
const teardown = object({
  container_id: anyText,
  network: object({ name: anyText }),
  network_options: object({ interface_name: anyText }),
});

function placementOf(containerId: string, network: string, name: string): Placement {
  return { attachment: { containerId: storableContainerId(containerId), interfaceName: name }, containerId, network };
}

function requireInSubnets(file: Network, addresses: readonly Ip[]): void {
  const outside = addresses.filter((ip) => !mayHave(file, ip));
  if (outside.length === 0) return;
  throw new OcicatError(
    'invalid',
    `set up network "${file.name}": ${outside.map(formatIp).join(', ')} is in none of its subnets`,
  );
}

/** Throws `invalid` with every issue. */
export function parseSetup(input: string): SetupRequest {
  const read = parseDocument('set up', input, setup, 'open');
  const { container_name: containerName, network_options: options } = read;
  const file = toNetwork(read.network);
  requireInSubnets(file, options.static_ips);
  return {
    ...placementOf(read.container_id, file.name, options.interface_name),
    file,
    containerName,
    names: parseNames([containerName, ...options.aliases]),
    addresses: [...new Set(options.static_ips)],
    mac: options.static_mac,
    portMappings: toPortMappings(read.port_mappings),
  };
}

/** Throws `invalid`. */
export function parseTeardown(input: string): Placement {
  const { container_id, network, network_options } = parseDocument('tear down', input, teardown, 'open');
  return placementOf(container_id, network.name, network_options.interface_name);
}
