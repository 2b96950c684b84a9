// Who is called what in which network, on all hosts, and what an endpoint of this host may know of it: the members of its own
// networks, and not even that there are others.
import { type Ip, parseIp } from '../net/ip.ts';
import { createMultimap } from './multimap.ts';
import type { Membership, NamedEndpoint } from './named-endpoint.ts';
import { tryParseReverseName } from './reverse.ts';

/** What whoever asks may know of. */
export interface Asker {
  readonly memberships: readonly Membership[];
}

export type Found =
  | { readonly kind: 'addresses'; readonly addresses: readonly Ip[] }
  /** Of the endpoints that have an address. */
  | { readonly kind: 'names'; readonly names: readonly string[] }
  /** There is no such name. */
  | { readonly kind: 'nothing' }
  /** It is not a name of these networks. */
  | { readonly kind: 'elsewhere' };

export interface Zone {
  /** Replaces what is known of an endpoint, by its id. */
  set(id: string, endpoint: NamedEndpoint | undefined): void;
  /** Who asks from the address; undefined when nobody of this host may. */
  askerAt(address: Ip): Asker | undefined;
  /** `name` in lower case, without the dot at its end. */
  find(asker: Asker, name: string): Found;
  /** Whether anybody on this host may ask. */
  hasAskers(): boolean;
}

const LOOPBACK: readonly Ip[] = [parseIp('127.0.0.1'), parseIp('::1')];

/** Of endpoints that share an address, which is being moved, each one's networks count alone where the others have them too. */
function commonMemberships([first = [], ...others]: readonly (readonly Membership[])[]): readonly Membership[] {
  return first.filter(({ network }) =>
    others.every((memberships) => memberships.some((one) => one.network === network)),
  );
}

/** The network in whose own domain the name is: the longest, where the name of one ends as another's. */
function domainOf({ memberships }: Asker, name: string): string | undefined {
  const domains = memberships.map(({ network }) => network).filter((network) => name.endsWith(`.${network}`));
  return domains.toSorted((a, b) => b.length - a.length)[0];
}

export function createZone(): Zone {
  const endpoints = new Map<string, NamedEndpoint>();
  const byName = createMultimap<string, NamedEndpoint>();
  const byAddress = createMultimap<Ip, NamedEndpoint>();
  /** Endpoints of this host. */
  const atAddress = createMultimap<Ip, NamedEndpoint>();
  const ofContainer = createMultimap<string, NamedEndpoint>();
  /** Those that may ask. */
  const askers = createMultimap<NamedEndpoint, true>();

  const keyOf = (name: string, network: string) => `${name} ${network}`;
  const keysOf = ({ names, memberships }: NamedEndpoint) =>
    names.flatMap((name) => memberships.map(({ network }) => keyOf(name, network)));

  function change(endpoint: NamedEndpoint, how: 'add' | 'remove'): void {
    for (const key of keysOf(endpoint)) byName[how](key, endpoint);
    for (const address of endpoint.addresses) {
      if (endpoint.names.length > 0) byAddress[how](address, endpoint);
      if (endpoint.isLocal) atAddress[how](address, endpoint);
    }
    if (endpoint.isLocal) ofContainer[how](endpoint.container, endpoint);
    if (endpoint.isLocal && endpoint.memberships.length > 0) askers[how](endpoint, true);
  }

  /** Of all interfaces of the endpoint's container: which of them a question leaves by is for its routes to say. */
  function membershipsOf(endpoint: NamedEndpoint): readonly Membership[] {
    const all = endpoint.container === '' ? [endpoint] : ofContainer.get(endpoint.container);
    const byNetwork = new Map(all.flatMap(({ memberships }) => memberships.map((one) => [one.network, one] as const)));
    return [...byNetwork.values()];
  }

  /** The addresses of those called so in any of the networks, each once. */
  function addressesOf(name: string, networks: readonly string[]): readonly Ip[] {
    const named = networks.flatMap((network) => byName.get(keyOf(name, network)));
    return [...new Set(named.flatMap(({ addresses }) => addresses))];
  }

  function findAddresses(asker: Asker, name: string): Found {
    const domain = domainOf(asker, name);
    const [host, networks] =
      domain === undefined
        ? [name, asker.memberships.map(({ network }) => network)]
        : [name.slice(0, -domain.length - 1), [domain]];
    const addresses = addressesOf(host, networks);
    if (addresses.length > 0) return { kind: 'addresses', addresses };
    return domain === undefined && name.includes('.') ? { kind: 'elsewhere' } : { kind: 'nothing' };
  }

  function findNames({ memberships }: Asker, address: Ip): Found {
    const names = byAddress.get(address).flatMap((endpoint) => {
      const shared = endpoint.memberships.filter(({ network }) => memberships.some((one) => one.network === network));
      return shared.map(({ network }) => `${endpoint.names[0]}.${network}`);
    });
    return names.length > 0 ? { kind: 'names', names } : { kind: 'elsewhere' };
  }

  return {
    set(id, endpoint) {
      const former = endpoints.get(id);
      if (former !== undefined) change(former, 'remove');
      if (endpoint === undefined) return void endpoints.delete(id);
      endpoints.set(id, endpoint);
      change(endpoint, 'add');
    },
    askerAt(address) {
      const memberships = commonMemberships(atAddress.get(address).map(membershipsOf));
      return memberships.length === 0 ? undefined : { memberships };
    },
    find(asker, name) {
      if (name === 'localhost' || name.endsWith('.localhost')) return { kind: 'addresses', addresses: LOOPBACK };
      const address = tryParseReverseName(name);
      return address === undefined ? findAddresses(asker, name) : findNames(asker, address);
    },
    hasAskers: () => askers.size() > 0,
  };
}
