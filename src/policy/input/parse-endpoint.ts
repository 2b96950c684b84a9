// WorkloadEndpoint, HostEndpoint, NetworkSet and GlobalNetworkSet as stored → inputs of the calculation (Calico v3.33,
// libcalico-go/lib/backend/syncersv1/updateprocessors). What cannot be understood is reported: labels and profiles as an
// unknown profile, addresses, ranges and ports by the mark that there may be any.

import { PORT_MAPPINGS_ANNOTATION, parsePortMappings } from '../../model/endpoint/port-mappings.ts';
import { interfaceName } from '../../model/meta/names.ts';
import { type Cidr, maskCidr, tryParseCidrOrIp } from '../../net/cidr.ts';
import { addToIp, familyOf, type Ip, ipv6Of, isIpv4, tryParseIp } from '../../net/ip.ts';
import { tryParseMac } from '../../net/mac.ts';
import { tryParseProtocol } from '../../net/protocol.ts';
import { membersOf } from '../../schema/document.ts';
import {
  type EndpointInput,
  type LabelMap,
  type LocalInterface,
  type NamedPort,
  type NetworkSetInput,
  UNKNOWN_PROFILE,
} from '../types/input.ts';
import type { FloatingAddress, HostInterface } from '../types/types.ts';
import { getControls } from './parse-controls.ts';
import { type Fields, get, getFields, getItems, getTexts, ofText, readWhole, refuse } from './read.ts';
import {
  NAMESPACE_LABEL,
  NAMESPACE_PREFIX,
  ORCHESTRATOR_LABEL,
  SERVICE_ACCOUNT_LABEL,
  SERVICE_ACCOUNT_PREFIX,
} from './scope.ts';

/**
 * What an endpoint has of its own and where it inherits from. Profiles have their first place each. Where labels or
 * profiles are not whole, nobody knows what labels it has: it begins with an unknown profile.
 */
interface Membership {
  readonly labels: LabelMap;
  readonly profiles: readonly string[];
}

function readMembership(
  fields: Fields,
  readLabels: () => LabelMap,
  readProfiles: () => readonly string[] = () => [],
): Membership {
  const { value, whole } = readWhole(fields, () => ({ labels: readLabels(), profiles: readProfiles() }));
  return { ...value, profiles: [...new Set([...(whole ? [] : [UNKNOWN_PROFILE]), ...value.profiles])] };
}

function getLabels(resource: Fields): LabelMap {
  return getTexts(getFields(resource, 'metadata'), 'labels');
}

function getProfiles(spec: Fields): readonly string[] {
  return getItems(
    spec,
    'profiles',
    'the name of a profile',
    ofText((text) => text || undefined),
  );
}

function parseNamedPort(value: unknown): NamedPort | undefined {
  const { name, protocol, port } = membersOf(value) ?? {};
  const number = typeof protocol === 'string' || typeof protocol === 'number' ? tryParseProtocol(protocol) : undefined;
  if (typeof name !== 'string' || number === undefined) return undefined;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65535) return undefined;
  return { name, protocol: number, port };
}

/** Ports without a name only map a port of the host. */
function getPorts(spec: Fields): readonly NamedPort[] {
  const ports = getItems(spec, 'ports', 'a port with name, protocol and number from 1 to 65535', (value) => {
    const members = membersOf(value);
    return members === undefined ? undefined : parseNamedPort({ ...members, name: members.name ?? '' });
  });
  return ports.filter((port) => port.name !== '');
}

function parseSingle(text: string): Ip | undefined {
  const range = tryParseCidrOrIp(text);
  if (range === undefined) return undefined;
  return range.prefixLength === (isIpv4(range.address) ? 32 : 128) ? range.address : undefined;
}

/** An address of its own, and one of the same family that is translated to it. */
function parseFloating(value: unknown, own: readonly Ip[]): FloatingAddress | undefined {
  const { internalIP, externalIP } = membersOf(value) ?? {};
  const internal = ofText(tryParseIp)(internalIP);
  const external = ofText(tryParseIp)(externalIP);
  if (internal === undefined || external === undefined || !own.includes(internal)) return undefined;
  return familyOf(internal) === familyOf(external) ? { external, internal } : undefined;
}

function getFloating(spec: Fields, own: readonly Ip[]): Pick<LocalInterface, 'floating'> {
  const wanted = 'externalIP, and as internalIP one of its addresses, of one family';
  const floating = getItems(spec, 'ipNATs', wanted, (value) => parseFloating(value, own));
  return floating.length === 0 ? {} : { floating };
}

/** What cannot be read there maps nothing. */
function getPortMappings(resource: Fields): Pick<LocalInterface, 'portMappings'> {
  const { annotations } = membersOf(get(resource, 'metadata')) ?? {};
  const portMappings = parsePortMappings(membersOf(annotations)?.[PORT_MAPPINGS_ANNOTATION]);
  return portMappings.length === 0 ? {} : { portMappings };
}

function getLocal(resource: Fields, spec: Fields, nodeName: string, own: readonly Ip[]): LocalInterface | undefined {
  if (get(spec, 'node') !== nodeName) return undefined;
  const name = interfaceName.read(get(spec, 'interfaceName'));
  if (typeof name !== 'string') return refuse(spec, 'interfaceName', interfaceName.wanted);
  const macText = get(spec, 'mac') ?? '';
  const mac = typeof macText === 'string' ? tryParseMac(macText) : undefined;
  if (mac === undefined && macText !== '') return refuse(spec, 'mac', 'a MAC address');
  const allowedSources = getItems(spec, 'allowSpoofedSourcePrefixes', 'a range', ofText(tryParseCidrOrIp));
  const more = { ...getFloating(spec, own), ...getControls(spec), ...getPortMappings(resource) };
  return { interfaceName: name, mac, allowedSources: allowedSources.map(maskCidr), ...more };
}

/** A text that becomes a label; none when it is absent or empty. */
function labelOf(spec: Fields, field: string, label: string): LabelMap {
  const value = get(spec, field) ?? '';
  if (typeof value !== 'string') refuse(spec, field, 'a text');
  return typeof value === 'string' && value !== '' ? { [label]: value } : {};
}

/** Labels that a workload may not give itself are left out, those that say where it belongs are set. */
function getWorkloadLabels(resource: Fields, spec: Fields, namespace: string): LabelMap {
  const own = Object.entries(getLabels(resource)).filter(
    ([name]) => !name.startsWith(NAMESPACE_PREFIX) && !name.startsWith(SERVICE_ACCOUNT_PREFIX),
  );
  return {
    ...Object.fromEntries(own),
    [NAMESPACE_LABEL]: namespace,
    ...labelOf(spec, 'orchestrator', ORCHESTRATOR_LABEL),
    ...labelOf(spec, 'serviceAccountName', SERVICE_ACCOUNT_LABEL),
  };
}

/**
 * Undefined for one without addresses, which takes part in nothing. Never throws. One without an address that can be
 * read, or with a MAC address that cannot, is no endpoint of this node: its interface is closed.
 */
export function parseWorkloadEndpoint(
  resource: Fields,
  namespace: string,
  nodeName: string,
): EndpointInput | undefined {
  const spec = getFields(resource, 'spec');
  const { addresses, ports, partial } = readPresent(spec, () =>
    getItems(spec, 'ipNetworks', 'an address, or a range of one address', ofText(parseSingle)),
  );
  if (addresses.length === 0 && !partial) return undefined;
  const local = getLocal(resource, spec, nodeName, addresses);
  return {
    ...readMembership(
      spec,
      () => getWorkloadLabels(resource, spec, namespace),
      () => getProfiles(spec),
    ),
    addresses,
    ports,
    partial,
    local: addresses.length === 0 ? undefined : local,
  };
}

/** What an endpoint gives to sets: its addresses, each once, and its ports. */
function readPresent(
  spec: Fields,
  readAddresses: () => readonly Ip[],
): Pick<EndpointInput, 'addresses' | 'ports' | 'partial'> {
  const { value, whole } = readWhole(spec, () => ({ addresses: [...new Set(readAddresses())], ports: getPorts(spec) }));
  return { ...value, partial: !whole };
}

/** What a host endpoint protects, on its own node; any interface, and closed, where that cannot be read. */
function getHost(spec: Fields, nodeName: string, expectedIps: readonly Ip[]): HostInterface | undefined {
  if (get(spec, 'node') !== nodeName) return undefined;
  const named = get(spec, 'interfaceName') ?? '';
  if (named === '' && expectedIps.length > 0) return { interfaceName: undefined, expectedIps, closed: false };
  if (named === '*' || typeof interfaceName.read(named) === 'string')
    return { interfaceName: String(named), expectedIps, closed: false };
  refuse(spec, 'interfaceName', `${interfaceName.wanted}, "*", or expectedIPs`);
  return { interfaceName: '*', expectedIps, closed: true };
}

/**
 * Selectors see its expected addresses alone. Undefined for one without, unless it is of this node. Never throws; one whose
 * node cannot be read protects nobody.
 */
export function parseHostEndpoint(resource: Fields, nodeName: string): EndpointInput | undefined {
  const spec = getFields(resource, 'spec');
  if (!spec.lost && typeof get(spec, 'node') !== 'string') refuse(spec, 'node', 'the name of a node');
  const { addresses, ports, partial } = readPresent(spec, () =>
    getItems(spec, 'expectedIPs', 'an address', ofText(tryParseIp)),
  );
  const host = getHost(spec, nodeName, addresses);
  if (addresses.length === 0 && !partial && host === undefined) return undefined;
  const membership = readMembership(
    spec,
    () => getGlobalLabels(resource),
    () => getProfiles(spec),
  );
  return { ...membership, addresses, ports, partial, local: undefined, ...(host === undefined ? {} : { host }) };
}

/** What has no namespace cannot say that it has one. */
function getGlobalLabels(resource: Fields): LabelMap {
  const { [NAMESPACE_LABEL]: _, ...labels } = getLabels(resource);
  return labels;
}

/**
 * The range without host bits; of length 0 as its two halves (Calico v3.33,
 * api/pkg/apis/projectcalico/v3/globalnetworkset.go).
 */
function splitUniversal(range: Cidr): readonly Cidr[] {
  if (range.prefixLength > 0) return [maskCidr(range)];
  const { address: first } = maskCidr(range);
  const middle = isIpv4(first) ? addToIp(first, 2 ** 31) : ipv6Of(1n << 127n);
  return [
    { address: first, prefixLength: 1 },
    { address: middle, prefixLength: 1 },
  ];
}

/** `namespace` is undefined for a GlobalNetworkSet. Never throws. */
export function parseNetworkSet(resource: Fields, namespace: string | undefined): NetworkSetInput {
  const spec = getFields(resource, 'spec');
  const { labels, profiles } = readMembership(resource, () => getGlobalLabels(resource));
  const nets = readWhole(spec, () => getItems(spec, 'nets', 'an address or a range', ofText(tryParseCidrOrIp)));
  return {
    labels: namespace === undefined ? labels : { ...labels, [NAMESPACE_LABEL]: namespace },
    profiles: namespace === undefined ? profiles : [...profiles, `kns.${namespace}`],
    nets: nets.value.flatMap(splitUniversal),
    partial: !nets.whole,
  };
}
