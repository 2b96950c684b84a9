// From nodes, ranges and settings to what is encrypted: the device's peers, where each range leads, and what may leave this host by
// the device alone.
//
// A node is a peer by the key that it has published. One without a key is spoken to as if nothing were encrypted only where its
// configuration says that it does not encrypt: a key that is missing, or that two nodes claim, closes the way to it instead.
import { type Cidr, formatCidr, hostCidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import type { Endpoint, WireguardDevice, WireguardPeer } from './device.ts';
import type { WireguardInput, WireguardNode } from './input.ts';

/** The bit of the packet mark that encrypted packets carry: the sixth of those that Calico has (felix/rules/rule_defs.go). */
export const WIREGUARD_MARK = 0x200000;

export interface EncryptedRoute {
  readonly destination: Cidr;
  /** Into the tunnel; nowhere, while its node is no peer; or on to the main table, as if nothing were encrypted. */
  readonly way: 'tunnel' | 'nowhere' | 'plain';
}

export interface Encryption {
  readonly device: WireguardDevice;
  /** Of this host's end of the tunnel; undefined while it has none. */
  readonly address: Ip | undefined;
  readonly routes: readonly EncryptedRoute[];
  /** Addresses of workloads and tunnels that this host's packets reach by the device alone. */
  readonly guarded: readonly Cidr[];
  /** The same of hosts, for the packets of workloads. */
  readonly guardedHosts: readonly Cidr[];
  /** Peers: those whose routes nobody else is to program. */
  readonly peerAddresses: readonly Ip[];
}

interface Peer {
  readonly publicKey: string;
  readonly endpoint: Endpoint;
}

/** A key that two claim is nobody's: who of them would get the packets is not known. */
function computePeers({ nodeName, nodes }: WireguardInput): ReadonlyMap<string, Peer> {
  const claims = Map.groupBy(nodes.values(), ({ publicKey }) => publicKey);
  return new Map(
    [...nodes.values()].flatMap(({ name, publicKey, address, listenPort: port }) => {
      if (name === nodeName || publicKey === undefined || address === undefined) return [];
      return claims.get(publicKey)?.length === 1 ? [[name, { publicKey, endpoint: { address, port } }] as const] : [];
    }),
  );
}

function isGuarded({ nodeName, nodes }: WireguardInput, name: string): boolean {
  const node = nodes.get(name);
  return name !== nodeName && node !== undefined && (node.publicKey !== undefined || node.isEncrypting);
}

/** The addresses of the ends of tunnels are in blocks too, often in another host's, and then say more than the block. */
function rangesOf({ nodes, ranges, settings }: WireguardInput, isPeer: (name: string) => boolean) {
  const hostOf = ({ name, address }: WireguardNode) =>
    settings.encryptsHosts && address !== undefined && isPeer(name) ? [address] : [];
  const single = [...nodes.values()].flatMap((node) =>
    [...node.tunnelAddresses, ...hostOf(node)].map((ip) => ({ destination: hostCidr(ip), node: node.name })),
  );
  return [...ranges, ...single];
}

function allowedBy(nodes: Iterable<readonly [string, readonly { readonly destination: Cidr }[]]>) {
  return new Map([...nodes].map(([name, ranges]) => [name, sorted(ranges.map(({ destination }) => destination))]));
}

/** Each once, by its text, so that the outcome depends on the content only. */
function sorted(cidrs: readonly Cidr[]): readonly Cidr[] {
  const byText = new Map(cidrs.map((cidr) => [formatCidr(cidr), cidr]));
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, cidr]) => cidr);
}

function computeDevice(
  { settings }: WireguardInput,
  peers: ReadonlyMap<string, Peer>,
  allowed: ReadonlyMap<string, readonly Cidr[]>,
): WireguardDevice {
  const { listenPort, keepaliveSeconds } = settings;
  const list = [...peers].map(
    ([name, peer]): WireguardPeer => ({ ...peer, allowed: allowed.get(name) ?? [], keepaliveSeconds }),
  );
  return {
    listenPort,
    mark: WIREGUARD_MARK,
    peers: list.sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1)),
  };
}

/** This host's own is its host's where hosts are encrypted: then they need no other to speak through the tunnel. */
function ownAddress({ nodeName, nodes, settings }: WireguardInput, tunnelAddress: Ip | undefined): Ip | undefined {
  return settings.encryptsHosts ? nodes.get(nodeName)?.address : tunnelAddress;
}

/** `tunnelAddress`: what this node has been given for its end. */
export function computeEncryption(input: WireguardInput, tunnelAddress: Ip | undefined): Encryption {
  const peers = computePeers(input);
  const all = rangesOf(input, (name) => peers.has(name));
  const byNode = Map.groupBy(all, ({ node }) => node);
  const wayTo = (name: string) => (peers.has(name) ? 'tunnel' : isGuarded(input, name) ? 'nowhere' : 'plain');
  const addressesOf = (names: Iterable<string>) => [...names].flatMap((name) => input.nodes.get(name)?.address ?? []);
  const hosts = input.settings.encryptsHosts ? addressesOf(peers.keys()).map(hostCidr) : [];
  const isHost = new Set(hosts.map(formatCidr));
  return {
    device: computeDevice(input, peers, allowedBy(byNode)),
    address: ownAddress(input, tunnelAddress),
    routes: [...byNode].flatMap(([name, ranges]) =>
      sorted(ranges.map(({ destination }) => destination)).map((destination) => ({ destination, way: wayTo(name) })),
    ),
    guarded: sorted(all.filter(({ node }) => isGuarded(input, node)).map(({ destination }) => destination)).filter(
      (cidr) => !isHost.has(formatCidr(cidr)),
    ),
    guardedHosts: sorted(hosts),
    peerAddresses: addressesOf(peers.keys()),
  };
}
