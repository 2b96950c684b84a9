// A network as podman keeps it: what of it means something here, and what cannot be done, which is refused by name (netavark
// 2.1, plugin-API.md and src/network/types.rs).
import { isLabelValue, isQualifiedName, networkName } from '../../model/meta/names.ts';
import { type Cidr, cidrCovers, cidrFamily, formatCidr, hostCidr, maskCidr, tryParseCidr } from '../../net/cidr.ts';
import { type Family, familyOf, type Ip } from '../../net/ip.ts';
import { anything, boolean, parsedText, text } from '../../schema/scalars.ts';
import {
  between,
  filled,
  type Infer,
  list,
  map,
  object,
  optional,
  type Report,
  required,
  type Scalar,
  sparse,
} from '../../schema/schema.ts';
import { type NetworkOptions, readOptions } from './options.ts';

/** Who gives the addresses, as the network says it to podman, which else gives out its own on each host. */
export const IPAM_DRIVER = 'calico-ipam';

const FAMILIES = [4, 6] as const;
/** Of Calico itself. */
const RESERVED_LABELS = 'projectcalico.org/';

/** A key that says nothing here: refused unless it is empty. */
export const nothing = (why: string): Scalar<unknown> => ({
  shape: 'scalar',
  wanted: `nothing: ${why}`,
  json: {},
  read: (value) => (Object.keys(Object(value)).length === 0 && typeof value !== 'number' ? value : undefined),
});

const subnet = object({
  subnet: parsedText('a range such as "10.0.0.0/16"', (text) => tryParseCidr(text)),
  /** podman fills it in after the plugin has been asked. */
  gateway: optional(anything),
  lease_range: sparse(nothing('addresses come from all of the pool'), ''),
});

const subnetList = list(subnet);
const words = map(text(), text());

function checkLabels(labels: Readonly<Record<string, string>>, report: Report): void {
  const wanted = `a label of the containers: letters, digits, "-", "_" and ".", not one of ${RESERVED_LABELS}`;
  for (const [key, value] of Object.entries(labels)) {
    const isUsable = isQualifiedName(key) && !key.startsWith(RESERVED_LABELS) && isLabelValue(value);
    if (!isUsable) report('labels', wanted, JSON.stringify(`${key}=${value}`));
  }
}

function checkIpam(ipam: Readonly<Record<string, string>>, report: Report): void {
  const wanted = 'nothing: addresses come from the IP pools of the cluster';
  for (const [name, value] of Object.entries(ipam))
    if (name !== 'driver' || !['', IPAM_DRIVER].includes(value))
      report('ipam_options', wanted, JSON.stringify(`${name}=${value}`));
}

/** Pools are named in one way for each family. */
function checkPools(subnets: readonly { readonly subnet: Cidr }[], options: NetworkOptions, report: Report): void {
  for (const { subnet: range } of subnets)
    if (options.pools[cidrFamily(range)].length > 0)
      report('subnets', 'none where options name the pools of the family', JSON.stringify(formatCidr(range)));
}

export const networkFile = object(
  {
    name: required(networkName, ''),
    network_interface: sparse(nothing('the host has a link of its own for each container'), ''),
    subnets: filled(subnetList, [], ''),
    routes: sparse(nothing('everything is reached through the host'), ''),
    ipv6_enabled: filled(boolean, false, ''),
    internal: filled(boolean, false, ''),
    dns_enabled: filled(boolean, false, ''),
    network_dns_servers: sparse(nothing("names are looked up by the host's own name servers"), ''),
    options: filled(words, {}, ''),
    ipam_options: filled(words, {}, ''),
    labels: filled(words, {}, ''),
  },
  between(['options', 'subnets'], ({ options, subnets }, report) =>
    checkPools(subnets, readOptions(options, report), report),
  ),
  between(['ipam_options'], ({ ipam_options }, report) => checkIpam(ipam_options, report)),
  between(['labels'], ({ labels }, report) => checkLabels(labels, report)),
);

export interface Network {
  /** Its profile has the same name. */
  readonly name: string;
  /** Of which a container gets an address each. */
  readonly families: readonly Family[];
  /** Ranges or names of pools; empty: those that select the node. */
  readonly pools: Readonly<Record<Family, readonly string[]>>;
  /** Ranges that the user has given: a container's own addresses lie in them. */
  readonly subnets: readonly Cidr[];
  readonly mtuBytes: number | undefined;
  readonly isInternal: boolean;
  readonly hasDns: boolean;
  /** Of all its containers. */
  readonly labels: Readonly<Record<string, string>>;
}

export function toNetwork(file: Infer<typeof networkFile>): Network {
  const subnets = file.subnets.map(({ subnet: range }) => maskCidr(range));
  const { pools, mtuBytes } = readOptions(file.options, () => undefined);
  const rangesOf = (family: Family) => subnets.filter((range) => cidrFamily(range) === family).map(formatCidr);
  const isWanted: Readonly<Record<Family, boolean>> = {
    4: subnets.length === 0 || rangesOf(4).length > 0,
    6: file.ipv6_enabled || rangesOf(6).length > 0,
  };
  return {
    name: file.name,
    families: FAMILIES.filter((family) => isWanted[family]),
    pools: { 4: [...rangesOf(4), ...pools[4]], 6: [...rangesOf(6), ...pools[6]] },
    subnets,
    mtuBytes,
    isInternal: file.internal,
    hasDns: file.dns_enabled,
    labels: file.labels,
  };
}

/** Whether a container may have the address: where the network has ranges of the family, in one of them. */
export function mayHave({ subnets }: Network, ip: Ip): boolean {
  const own = subnets.filter((range) => cidrFamily(range) === familyOf(ip));
  return own.length === 0 || own.some((range) => cidrCovers(range, hostCidr(ip)));
}
