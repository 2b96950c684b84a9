// Makes this host a node of the cluster: its Node resource (Calico v3.33, node/pkg/lifecycle/startup/startup.go).
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { printJson } from '../../base/json.ts';
import type { Datastore } from '../../datastore/port.ts';
import type { StoredResource } from '../../datastore/resource/resource-codec.ts';
import { createResource, getResource, listResources, updateResource } from '../../datastore/resource/resources.ts';
import { API_VERSION, type Resource } from '../../model/meta/resource.ts';
import { tryParseCidrOrIp } from '../../net/cidr.ts';
import { formatIp, type Ip } from '../../net/ip.ts';
import type { Log } from '../../sys/log.ts';
import type { AddressSetting, AgentSettings } from '../config/settings.ts';
import { chooseAddresses, type NodeAddresses } from './node-addresses.ts';

export interface NodeSpec {
  readonly bgp?: { readonly ipv4Address?: string; readonly ipv6Address?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** Whether the store knows the node. */
export async function isRegistered(datastore: Datastore, name: string, signal: AbortSignal): Promise<boolean> {
  return (await tryGetNode(datastore, name, signal)) !== undefined;
}

/** The node as the store has it. */
export async function tryGetNode(
  datastore: Datastore,
  name: string,
  signal: AbortSignal,
): Promise<StoredResource | undefined> {
  try {
    return await getResource(datastore, { kind: 'Node', name }, signal);
  } catch (error) {
    if (isOcicatError(error, 'not-found')) return undefined;
    throw error;
  }
}

function addressesOf({ bgp }: NodeSpec): NodeAddresses {
  return { ipv4: bgp?.ipv4Address, ipv6: bgp?.ipv6Address };
}

function ipsOf({ ipv4, ipv6 }: NodeAddresses): readonly Ip[] {
  return [ipv4, ipv6].map((text) => tryParseCidrOrIp(text ?? '')?.address).filter((ip) => ip !== undefined);
}

/** The node that has one of the addresses already, with that one. */
async function findOther(
  datastore: Datastore,
  name: string,
  addresses: NodeAddresses,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly address: string } | undefined> {
  const own = new Set(ipsOf(addresses));
  const { resources } = await listResources(datastore, 'Node', undefined, signal);
  for (const other of resources.filter((node) => node.metadata.name !== name)) {
    const taken = ipsOf(addressesOf(other.spec as NodeSpec)).find((ip) => own.has(ip));
    if (taken !== undefined) return { name: other.metadata.name, address: formatIp(taken) };
  }
  return undefined;
}

function computeBgp(
  settings: AgentSettings,
  standing: NodeSpec['bgp'],
  { ipv4, ipv6 }: NodeAddresses,
): NodeSpec['bgp'] {
  const { ipv4Address: _ipv4, ipv6Address: _ipv6, ...rest } = standing ?? {};
  const bgp = {
    ...rest,
    ...(settings.asNumber === undefined ? {} : { asNumber: settings.asNumber }),
    ...(ipv4 === undefined ? {} : { ipv4Address: ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6Address: ipv6 }),
  };
  return Object.keys(bgp).length === 0 ? undefined : bgp;
}

function isOwnAddress(entry: unknown): boolean {
  return typeof entry === 'object' && entry !== null && 'type' in entry && entry.type === 'CalicoNodeIP';
}

function computeNodeSpec(settings: AgentSettings, standing: NodeSpec, addresses: NodeAddresses): NodeSpec {
  const { bgp: before, ...others } = standing;
  const bgp = settings.backend === 'none' ? before : computeBgp(settings, before, addresses);
  const own = [addresses.ipv4, addresses.ipv6].filter((address) => address !== undefined);
  const rest = Array.isArray(standing.addresses) ? standing.addresses.filter((entry) => !isOwnAddress(entry)) : [];
  return {
    ...others,
    ...(bgp === undefined ? {} : { bgp }),
    addresses: [...own.map((address) => ({ address, type: 'CalicoNodeIP' })), ...rest],
  };
}

/** Of the addresses that stand, those that are not looked for, or that are among the new ones. */
function withoutLeft(settings: AgentSettings, standing: NodeAddresses, now: NodeAddresses): NodeAddresses {
  const isLeft = (setting: AddressSetting, before: string | undefined, after: string | undefined) =>
    setting.kind === 'autodetect' && before !== after;
  return {
    ipv4: isLeft(settings.ipv4, standing.ipv4, now.ipv4) ? undefined : standing.ipv4,
    ipv6: isLeft(settings.ipv6, standing.ipv6, now.ipv6) ? undefined : standing.ipv6,
  };
}

export interface Registration {
  readonly datastore: Datastore;
  readonly settings: AgentSettings;
  readonly node: string;
  readonly log: Log;
}

/**
 * Writes the Node if it is new or its addresses or AS number changed. Returns what stands then. Throws `already-exists` when
 * another node has one of the addresses; what this host has left behind is then no longer its own, so that the other one may
 * come to take that, and give the first away.
 */
export async function registerNode(
  { datastore, settings, node: name, log }: Registration,
  signal: AbortSignal,
  choose: typeof chooseAddresses = chooseAddresses,
): Promise<StoredResource> {
  const standing = await tryGetNode(datastore, name, signal);
  const before = (standing?.spec ?? {}) as NodeSpec;
  const addresses = await choose(settings, addressesOf(before), log);

  async function write(spec: NodeSpec): Promise<StoredResource> {
    const fresh: Resource = { kind: 'Node', apiVersion: API_VERSION, metadata: { name }, spec, status: {} };
    const resource = { ...fresh, ...standing, spec };
    if (standing === undefined) return createResource(datastore, resource, signal);
    return printJson(spec) === printJson(standing.spec) ? standing : updateResource(datastore, resource, signal);
  }

  const other = settings.checksAddresses ? await findOther(datastore, name, addresses, signal) : undefined;
  if (other === undefined) return write(computeNodeSpec(settings, before, addresses));
  if (standing !== undefined)
    await write(computeNodeSpec(settings, before, withoutLeft(settings, addressesOf(before), addresses)));
  throw new OcicatError(
    'already-exists',
    `register node "${name}": its address ${other.address} is that of node "${other.name}"; set IP or NODENAME`,
  );
}
