// What the store holds, a line each: everything whole but what tells one equal thing from the next, such as the time it was made.

import { formatIp } from '../../../src/net/ip.ts';
import { linkLocalOf, parseMac } from '../../../src/net/mac.ts';

interface Stored {
  readonly key: string;
  readonly value: string;
}

interface StoredBlock {
  readonly cidr: string;
  readonly affinity: string | null;
  readonly allocations: readonly (number | null)[];
  readonly unallocated: readonly number[];
  readonly attributes: readonly { readonly handle_id: string; readonly secondary: Readonly<Record<string, string>> }[];
}

interface StoredEndpoint {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec: {
    readonly containerID: string;
    readonly endpoint: string;
    readonly mac: string;
    readonly ipNetworks: readonly string[];
    readonly profiles: readonly string[];
  };
}

const BLOCKS = '/calico/ipam/v2/assignment/';
const isEndpoint = ({ key }: Pick<Stored, 'key'>) => key.includes('/workloadendpoints/');

/** `etcdctl get --prefix … -w json`. */
function readStored(json: string): readonly Stored[] {
  const { kvs = [] } = JSON.parse(json) as { readonly kvs?: readonly Stored[] };
  const decode = (text: string) => Buffer.from(text, 'base64').toString();
  return kvs.map(({ key, value }) => ({ key: decode(key), value: decode(value) }));
}

/** Of an IPv4 block. */
function addressAt(cidr: string, ordinal: number): string {
  const [network = ''] = cidr.split('/');
  const parts = network.split('.').map(Number);
  return [...parts.slice(0, 3), (parts[3] ?? 0) + ordinal].join('.');
}

function describeBlock({ cidr, affinity, allocations, unallocated, attributes }: StoredBlock): readonly string[] {
  const taken = allocations.flatMap((attribute, ordinal) => (attribute === null ? [] : [{ attribute, ordinal }]));
  const parts = [...taken.map(({ ordinal }) => ordinal), ...unallocated].sort((a, b) => a - b);
  const isWhole = parts.length === allocations.length && parts.every((ordinal, index) => ordinal === index);
  const used = new Set(taken.map(({ attribute }) => attribute));
  return [
    `block ${cidr} of ${affinity}${isWhole ? '' : `: not each address once: ${parts}`}`,
    ...attributes.flatMap((one, index) => (used.has(index) ? [] : [`block ${cidr}: of no address: ${one.handle_id}`])),
    ...taken.map(({ attribute, ordinal }) => {
      const { handle_id, secondary } = attributes[attribute] ?? {};
      const { timestamp: _, ...rest } = secondary ?? {};
      return `address ${addressAt(cidr, ordinal)} of ${handle_id} ${JSON.stringify(rest)}`;
    }),
  ];
}

/** A network that is alone on its interface may have shared it before: that it did stays noted, and means nothing more. */
function isAlone(annotations: unknown, { profiles, endpoint }: StoredEndpoint['spec']): boolean {
  const [network] = profiles;
  const alone = { 'ocicat/addresses-of': network, 'ocicat/networks': `${network}/${endpoint}` };
  return profiles.length === 1 && Bun.deepEquals(annotations, alone);
}

/** Also of a file that keeps one. */
export function describeEndpoint({ metadata, ...rest }: StoredEndpoint): string {
  const { uid: _, creationTimestamp: __, annotations, ...named } = metadata;
  const noted = annotations === undefined || isAlone(annotations, rest.spec) ? {} : { annotations };
  return JSON.stringify({ ...named, ...noted, ...rest });
}

function describeOne({ key, value }: Stored): readonly string[] {
  if (isEndpoint({ key })) return [`endpoint ${describeEndpoint(JSON.parse(value))}`];
  if (key.startsWith(BLOCKS)) return describeBlock(JSON.parse(value));
  if (key.startsWith('/calico/ipam/v2/handle/')) return [`handle ${key} ${JSON.stringify(JSON.parse(value).block)}`];
  return [`key ${key}`];
}

export function describeStore(json: string): readonly string[] {
  return readStored(json).flatMap(describeOne);
}

/** Addresses that are held, by whom; those of endpoints under their names. */
function holdersOf(stored: readonly Stored[]): readonly (readonly [string, string])[] {
  const blocks = stored.filter(({ key }) => key.startsWith(BLOCKS));
  return blocks.flatMap(({ value }) => {
    const counts = new Map<string, number>();
    const { cidr, allocations, attributes } = JSON.parse(value) as StoredBlock;
    return allocations.flatMap((attribute, ordinal) => {
      const handle = attribute === null ? undefined : attributes[attribute]?.handle_id;
      if (handle === undefined) return [];
      const place = counts.get(handle) ?? 0;
      counts.set(handle, place + 1);
      return [[addressAt(cidr, ordinal), `<${handle} ${place}>`] as const];
    });
  });
}

function namesOfEndpoint({ value }: Stored): readonly (readonly [string, string])[] {
  const { containerID, endpoint, mac, ipNetworks } = (JSON.parse(value) as StoredEndpoint).spec;
  const name = `${containerID}/${endpoint}`;
  const addresses = ipNetworks.map((range, place) => [range.split('/')[0] ?? '', `<${name} ${place}>`] as const);
  return [...addresses, [mac, `<MAC ${name}>`], [formatIp(linkLocalOf(parseMac(mac))), `<link-local ${name}>`]];
}

/** What addresses and MAC addresses are called instead: other ones are given each time. */
export function namesOf(json: string): ReadonlyMap<string, string> {
  const stored = readStored(json);
  return new Map([...holdersOf(stored), ...stored.filter(isEndpoint).flatMap(namesOfEndpoint)]);
}
