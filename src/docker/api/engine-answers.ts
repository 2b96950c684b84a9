// What the API of Docker's engine says of networks and containers, as much of it as is asked for.
import { isLabelValue, isQualifiedName } from '../../model/meta/names.ts';
import type { Cidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import { parseDocument } from '../../schema/parse.ts';
import { text } from '../../schema/scalars.ts';
import { filled, list, map, object, optional, required, sparse } from '../../schema/schema.ts';
import { address, identifier, range } from './values.ts';

type Labels = Readonly<Record<string, string>>;

interface NetworkEndpoint {
  readonly endpointId: string;
  readonly containerName: string;
  readonly addresses: readonly Ip[];
}

export interface EngineNetwork {
  readonly name: string;
  readonly labels: Labels;
  readonly ipamDriver: string;
  /** What `--subnet` or `--ip-range` says. */
  readonly ranges: readonly Cidr[];
  /** Addresses that are kept from containers (`--aux-address`). */
  readonly keptAddresses: readonly Ip[];
  readonly endpoints: readonly NetworkEndpoint[];
}

const labels = optional(map(text(), text()));

const network = object({
  Name: required(text(), ''),
  Labels: labels,
  IPAM: optional(
    object({
      Driver: filled(text(), '', ''),
      Config: optional(
        list(
          object({
            Subnet: sparse(range, ''),
            IPRange: sparse(range, ''),
            AuxiliaryAddresses: optional(map(text(), address)),
          }),
        ),
      ),
    }),
  ),
  Containers: optional(
    map(
      text(),
      object({
        Name: filled(text(), '', ''),
        EndpointID: required(identifier, ''),
        IPv4Address: sparse(range, ''),
        IPv6Address: sparse(range, ''),
      }),
    ),
  ),
});

/** The answer to `GET /networks/ID`. Throws `invalid`. */
export function parseNetworkAnswer(json: string): EngineNetwork {
  const { Name, Labels = {}, IPAM, Containers = {} } = parseDocument('network of Docker', json, network, 'open');
  const configs = IPAM?.Config ?? [];
  return {
    name: Name,
    labels: Labels,
    ipamDriver: IPAM?.Driver ?? '',
    ranges: configs.flatMap(({ Subnet, IPRange }) => IPRange ?? Subnet ?? []),
    keptAddresses: configs.flatMap(({ AuxiliaryAddresses = {} }) => Object.values(AuxiliaryAddresses)),
    endpoints: Object.values(Containers).map((one) => ({
      endpointId: one.EndpointID,
      containerName: one.Name,
      addresses: [one.IPv4Address, one.IPv6Address].flatMap((cidr) => cidr?.address ?? []),
    })),
  };
}

export interface EngineContainer {
  readonly id: string;
  readonly labels: Labels;
}

const container = object({ Id: required(text(), ''), Labels: labels });

/** The answer to `GET /containers/json`. Throws `invalid`. */
export function parseContainersAnswer(json: string): readonly EngineContainer[] {
  const containers = parseDocument('containers of Docker', json, list(container), 'open');
  return containers.map(({ Id, Labels = {} }) => ({ id: Id, labels: Labels }));
}

/** The answer to `GET /networks`: their identifiers. Throws `invalid`. */
export function parseNetworksAnswer(json: string): readonly string[] {
  const networks = parseDocument('networks of Docker', json, list(object({ Id: required(identifier, '') })), 'open');
  return networks.map(({ Id }) => Id);
}

/** Labels that are meant for the endpoint and have its label's name behind this (projectcalico/libnetwork-plugin v1.1.3). */
const LABEL_PREFIX = 'org.projectcalico.label.';

/**
 * Labels of an endpoint: those of Docker's that can be labels, by their own names; those with Calico's prefix by the names behind
 * it. `unusable`: those with the prefix that cannot be labels.
 */
export function computeLabels(docker: Labels): { readonly labels: Labels; readonly unusable: readonly string[] } {
  const isUsable = ([key, value]: readonly [string, string]) =>
    isQualifiedName(key) && !key.startsWith('projectcalico.org/') && isLabelValue(value);
  const pairs = Object.entries(docker);
  const plain = pairs.filter(([key]) => !key.startsWith(LABEL_PREFIX));
  const meant = pairs
    .filter(([key]) => key.startsWith(LABEL_PREFIX))
    .map(([key, value]) => [key.slice(LABEL_PREFIX.length), value] as const);
  return {
    labels: Object.fromEntries([...plain.filter(isUsable), ...meant.filter(isUsable)]),
    unusable: meant.filter((pair) => !isUsable(pair)).map(([key, value]) => `${LABEL_PREFIX}${key}=${value}`),
  };
}
