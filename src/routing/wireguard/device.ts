// What is wanted of a WireGuard device, and what it holds, as values; and what must change for the one to become the other.

import type { Cidr } from '../../net/cidr.ts';
import { formatCidr } from '../../net/cidr.ts';
import { formatIp, type Ip } from '../../net/ip.ts';

export interface Endpoint {
  readonly address: Ip;
  readonly port: number;
}

export interface WireguardPeer {
  /** In base64. */
  readonly publicKey: string;
  /** Undefined on a device that does not know it yet. */
  readonly endpoint: Endpoint | undefined;
  /** Packets to these go to the peer, and packets of these are taken from it. */
  readonly allowed: readonly Cidr[];
  /** 0: none. */
  readonly keepaliveSeconds: number;
}

export interface WireguardDevice {
  readonly listenPort: number;
  /** On its own encrypted packets, so that no routing rule leads them back into it. */
  readonly mark: number;
  readonly peers: readonly WireguardPeer[];
}

export interface PeerUpdate {
  readonly kind: 'update';
  readonly publicKey: string;
  readonly isNew: boolean;
  /** What is absent stays as it is. */
  readonly endpoint?: Endpoint;
  readonly keepaliveSeconds?: number;
  readonly allowed?: { readonly replace: boolean; readonly cidrs: readonly Cidr[] };
}

export type PeerChange = { readonly kind: 'remove'; readonly publicKey: string } | PeerUpdate;

export interface DeviceChange {
  readonly listenPort?: number;
  readonly mark?: number;
  /** Those that go come first. */
  readonly peers: readonly PeerChange[];
}

function sameEndpoint(a: Endpoint | undefined, b: Endpoint | undefined): boolean {
  return a?.address === b?.address && a?.port === b?.port;
}

/** None can be taken away alone: where one is to go, all are said anew. */
function allowedChange(wanted: readonly Cidr[], standing: readonly Cidr[]): Pick<PeerUpdate, 'allowed'> {
  const names = new Set(wanted.map(formatCidr));
  const there = new Set(standing.map(formatCidr));
  if (standing.some((cidr) => !names.has(formatCidr(cidr)))) return { allowed: { replace: true, cidrs: wanted } };
  const missing = wanted.filter((cidr) => !there.has(formatCidr(cidr)));
  return missing.length === 0 ? {} : { allowed: { replace: false, cidrs: missing } };
}

function newPeer({ publicKey, endpoint, keepaliveSeconds, allowed }: WireguardPeer): PeerUpdate {
  const where = endpoint === undefined ? {} : { endpoint };
  return {
    kind: 'update',
    publicKey,
    isNew: true,
    ...where,
    keepaliveSeconds,
    allowed: { replace: true, cidrs: allowed },
  };
}

function peerChange(wanted: WireguardPeer, standing: WireguardPeer | undefined): readonly PeerChange[] {
  if (standing === undefined) return [newPeer(wanted)];
  const { publicKey, endpoint, keepaliveSeconds } = wanted;
  const parts = {
    ...(endpoint === undefined || sameEndpoint(endpoint, standing.endpoint) ? {} : { endpoint }),
    ...(keepaliveSeconds === standing.keepaliveSeconds ? {} : { keepaliveSeconds }),
    ...allowedChange(wanted.allowed, standing.allowed),
  };
  return Object.keys(parts).length === 0 ? [] : [{ kind: 'update', publicKey, isNew: false, ...parts }];
}

/** Of a peer that is wanted as it is nothing is said: its session goes on. */
export function computeDeviceChange(wanted: WireguardDevice, standing: WireguardDevice): DeviceChange {
  const byKey = new Map(standing.peers.map((peer) => [peer.publicKey, peer]));
  const keys = new Set(wanted.peers.map(({ publicKey }) => publicKey));
  const gone = standing.peers.filter(({ publicKey }) => !keys.has(publicKey));
  return {
    ...(wanted.listenPort === standing.listenPort ? {} : { listenPort: wanted.listenPort }),
    ...(wanted.mark === standing.mark ? {} : { mark: wanted.mark }),
    peers: [
      ...gone.map(({ publicKey }) => ({ kind: 'remove', publicKey }) as const),
      ...wanted.peers.flatMap((peer) => peerChange(peer, byKey.get(peer.publicKey))),
    ],
  };
}

export function isNoChange({ peers, ...rest }: DeviceChange): boolean {
  return peers.length === 0 && Object.keys(rest).length === 0;
}

/** `10.0.0.2:51820`, `[fd00::2]:51821`. */
export function formatEndpoint({ address, port }: Endpoint): string {
  const text = formatIp(address);
  return text.includes(':') ? `[${text}]:${port}` : `${text}:${port}`;
}
