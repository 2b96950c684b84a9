// WorkloadEndpoint, HostEndpoint, NetworkSet and GlobalNetworkSet as stored → inputs of the calculation (facts: calico
// §4.7–4.10, §5.4, §5.5). What cannot be understood is reported and left out: an endpoint without it reaches less.

import { membersOf } from '../model/schema-read.ts';
import { type Cidr, maskCidr, tryParseCidrOrIp } from '../net/cidr.ts';
import { addToIp, type Ip, ipv6Of, isIpv4, tryParseIp } from '../net/ip.ts';
import { tryParseMac } from '../net/mac.ts';
import { tryParseProtocol } from '../net/protocol.ts';
import type { EndpointInput, LabelMap, LocalInterface, NamedPort, NetworkSetInput } from './input.ts';
import { type Fields, get, getFields, getItems, getTexts, ofText, refuse } from './read.ts';
import {
  NAMESPACE_LABEL,
  NAMESPACE_PREFIX,
  ORCHESTRATOR_LABEL,
  SERVICE_ACCOUNT_LABEL,
  SERVICE_ACCOUNT_PREFIX,
} from './scope.ts';

/** Names of profiles, each once: the first place counts. */
function getProfiles(spec: Fields): readonly string[] {
  return [
    ...new Set(
      getItems(
        spec,
        'profiles',
        'the name of a profile',
        ofText((text) => text || undefined),
      ),
    ),
  ];
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

function getLocal(spec: Fields, nodeName: string): LocalInterface | undefined {
  if (get(spec, 'node') !== nodeName) return undefined;
  const interfaceName = get(spec, 'interfaceName');
  if (typeof interfaceName !== 'string' || !/^[a-zA-Z0-9_.-]{1,15}$/.test(interfaceName)) {
    return refuse(spec, 'interfaceName', 'an interface name of 1 to 15 characters');
  }
  const macText = get(spec, 'mac') ?? '';
  const mac = typeof macText === 'string' ? tryParseMac(macText) : undefined;
  if (mac === undefined && macText !== '') refuse(spec, 'mac', 'a MAC address');
  const allowedSources = getItems(spec, 'allowSpoofedSourcePrefixes', 'a range', ofText(tryParseCidrOrIp));
  return { interfaceName, mac, allowedSources: allowedSources.map(maskCidr) };
}

/** Labels that a workload may not give itself are left out, those that say where it belongs are set. */
function workloadLabels(resource: Fields, spec: Fields, namespace: string): LabelMap {
  const own = Object.entries(getTexts(getFields(resource, 'metadata'), 'labels')).filter(
    ([name]) => !name.startsWith(NAMESPACE_PREFIX) && !name.startsWith(SERVICE_ACCOUNT_PREFIX),
  );
  const orchestrator = get(spec, 'orchestrator');
  const account = get(spec, 'serviceAccountName');
  return {
    ...Object.fromEntries(own),
    [NAMESPACE_LABEL]: namespace,
    ...(typeof orchestrator === 'string' && orchestrator !== '' ? { [ORCHESTRATOR_LABEL]: orchestrator } : {}),
    ...(typeof account === 'string' && account !== '' ? { [SERVICE_ACCOUNT_LABEL]: account } : {}),
  };
}

/** Undefined for one without addresses, which takes part in nothing. Never throws. */
export function parseWorkloadEndpoint(
  resource: Fields,
  namespace: string,
  nodeName: string,
): EndpointInput | undefined {
  const spec = getFields(resource, 'spec');
  const addresses = getItems(spec, 'ipNetworks', 'an address, or a range of one address', ofText(parseSingle));
  if (addresses.length === 0) return undefined;
  return {
    labels: workloadLabels(resource, spec, namespace),
    profiles: getProfiles(spec),
    addresses: [...new Set(addresses)],
    ports: getPorts(spec),
    local: getLocal(spec, nodeName),
  };
}

/** What selectors see of a host endpoint: its expected addresses. Undefined for one without. Never throws. */
export function parseHostEndpoint(resource: Fields): EndpointInput | undefined {
  const spec = getFields(resource, 'spec');
  const addresses = getItems(spec, 'expectedIPs', 'an address', ofText(tryParseIp));
  if (addresses.length === 0) return undefined;
  return {
    labels: globalLabels(resource),
    profiles: getProfiles(spec),
    addresses: [...new Set(addresses)],
    ports: getPorts(spec),
    local: undefined,
  };
}

/** What has no namespace cannot say that it has one. */
function globalLabels(resource: Fields): LabelMap {
  const { [NAMESPACE_LABEL]: _, ...labels } = getTexts(getFields(resource, 'metadata'), 'labels');
  return labels;
}

/** The range without host bits; of length 0 as its two halves (facts: calico §4.7). */
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
  const labels = globalLabels(resource);
  return {
    labels: namespace === undefined ? labels : { ...labels, [NAMESPACE_LABEL]: namespace },
    profiles: namespace === undefined ? [] : [`kns.${namespace}`],
    nets: getItems(spec, 'nets', 'an address or a range', ofText(tryParseCidrOrIp)).flatMap(splitUniversal),
  };
}
