// Docker's requests to a network driver, from JSON to values (moby/libnetwork, docs/remote.md).
import { type Issue, OcicatError } from '../../base/errors.ts';
import { resourceName } from '../../model/meta/names.ts';
import type { Ip } from '../../net/ip.ts';
import type { Mac } from '../../net/mac.ts';
import type { PortMapping } from '../../net/port-mapping.ts';
import { parseDocument } from '../../schema/parse.ts';
import { anything, boolean, integer, parsedText, text } from '../../schema/scalars.ts';
import { filled, type Infer, list, object, optional, required, sparse } from '../../schema/schema.ts';
import { readSchema } from '../../schema/schema-read.ts';
import { ADDRESS_SPACE } from './ipam-requests.ts';
import { address, identifier, mac, range } from './values.ts';

export interface NetworkWish {
  readonly networkId: string;
  /** The profile that its endpoints have, where it is not to have the network's name. */
  readonly profile: string | undefined;
  readonly mtuBytes: number | undefined;
  /** Whether its addresses are of this driver's own pools. */
  readonly ownAddresses: boolean;
}

/** What `docker network create -o` may say. */
const driverOptions = object({
  'com.docker.network.calico.profile': optional(resourceName),
  'com.docker.network.driver.mtu': optional(
    parsedText<number>('68 to 65535 bytes', (value) => {
      const bytes = /^\d{2,5}$/.test(value) ? Number(value) : 0;
      return bytes >= 68 && bytes <= 65535 ? bytes : undefined;
    }),
  ),
});

const ipamData = filled(list(object({ AddressSpace: filled(text(), '', '') })), [], '');

const networkRequest = object({
  NetworkID: required(identifier, ''),
  Options: filled(
    object({
      'com.docker.network.generic': optional(anything),
      'com.docker.network.internal': filled(boolean, false, ''),
    }),
    { 'com.docker.network.internal': false },
    '',
  ),
  IPv4Data: optional(ipamData.schema),
  IPv6Data: optional(ipamData.schema),
});

function refuse(what: string, issues: readonly Issue[]): never {
  const parts = issues.map(({ path, found, wanted }) => `${path}: found ${found}, wanted ${wanted}`);
  throw new OcicatError('invalid', `${what}: ${parts.join('; ')}`, { issues });
}

/** Throws `invalid` with every issue; options that are not known are refused by name. */
export function parseNetworkRequest(json: string): NetworkWish {
  const request = parseDocument('CreateNetwork', json, networkRequest, 'open');
  const { 'com.docker.network.generic': generic, 'com.docker.network.internal': internal } = request.Options;
  const options = readSchema(driverOptions, generic ?? {}, 'closed');
  const issues: Issue[] =
    options.kind === 'invalid' ? options.issues.map((one) => ({ ...one, path: `-o ${one.path}` })) : [];
  if (internal)
    issues.push({ path: '--internal', found: 'true', wanted: 'nothing: a policy says whom its containers reach' });
  const spaces = [...(request.IPv4Data ?? []), ...(request.IPv6Data ?? [])].map(({ AddressSpace }) => AddressSpace);
  if (issues.length > 0 || options.kind === 'invalid') refuse('CreateNetwork', issues);
  return {
    networkId: request.NetworkID,
    profile: options.value['com.docker.network.calico.profile'],
    mtuBytes: options.value['com.docker.network.driver.mtu'],
    ownAddresses: spaces.every((space) => space === ADDRESS_SPACE),
  };
}

export interface EndpointName {
  readonly networkId: string;
  readonly endpointId: string;
}

export interface EndpointWish extends EndpointName {
  readonly addresses: readonly Ip[];
  readonly mac: Mac | undefined;
  readonly portMappings: readonly PortMapping[];
}

const names = { NetworkID: required(identifier, ''), EndpointID: required(identifier, '') };

/** `Proto`: its number. */
const portBinding = object({
  Proto: required(integer(0, 255), ''),
  Port: required(integer(1, 65_535), ''),
  HostIP: sparse(address, ''),
  HostPort: filled(integer(0, 65_535), 0, ''),
});

const endpointRequest = object({
  ...names,
  Interface: optional(
    object({
      Address: sparse(range, ''),
      AddressIPv6: sparse(range, ''),
      MacAddress: sparse(mac, ''),
    }),
  ),
  Options: filled(object({ 'com.docker.network.portmap': optional(list(portBinding)) }), {}, ''),
});

/** Docker does not learn which port a driver has chosen, so nobody could be told of one. */
function toPortMapping({ Proto, Port, HostIP, HostPort }: Infer<typeof portBinding>, issues: Issue[]): PortMapping {
  if (HostPort === 0)
    issues.push({ path: `-p ${Port}`, found: 'no port of the host', wanted: `one, as in -p 8080:${Port}` });
  return { hostAddress: HostIP, hostPort: HostPort, containerPort: Port, protocol: Proto, count: 1 };
}

/** Throws `invalid`. */
export function parseEndpointRequest(json: string): EndpointWish {
  const request = parseDocument('CreateEndpoint', json, endpointRequest, 'open');
  const { NetworkID, EndpointID, Interface, Options } = request;
  const issues: Issue[] = [];
  const bindings = Options['com.docker.network.portmap'] ?? [];
  const portMappings = bindings.map((binding) => toPortMapping(binding, issues));
  if (issues.length > 0) refuse('CreateEndpoint', issues);
  return {
    networkId: NetworkID,
    endpointId: EndpointID,
    addresses: [Interface?.Address, Interface?.AddressIPv6].flatMap((one) => (one === undefined ? [] : [one.address])),
    mac: Interface?.MacAddress,
    portMappings,
  };
}

/** Of `call`, which is about one endpoint and says nothing else that matters. */
export function parseEndpointName(call: string, json: string): EndpointName {
  const { NetworkID, EndpointID } = parseDocument(call, json, object(names), 'open');
  return { networkId: NetworkID, endpointId: EndpointID };
}

export interface JoinWish extends EndpointName {
  /** The same for all endpoints of a container. */
  readonly sandbox: string;
}

export function parseJoinRequest(json: string): JoinWish {
  const join = object({ ...names, SandboxKey: required(text({ maxLength: 4096 }), '') });
  const { NetworkID, EndpointID, SandboxKey } = parseDocument('Join', json, join, 'open');
  return { networkId: NetworkID, endpointId: EndpointID, sandbox: SandboxKey };
}

export function parseNetworkName(json: string): string {
  return parseDocument('DeleteNetwork', json, object({ NetworkID: required(identifier, '') }), 'open').NetworkID;
}
