// The text that a WireGuard device of a program is asked and told by: lines of KEY=VALUE, an empty one at the end
// (https://www.wireguard.com/xplatform).
import { OcicatError } from '../base/errors.ts';
import { formatCidr, parseCidr } from '../net/cidr.ts';
import { parseIp } from '../net/ip.ts';
import {
  type DeviceChange,
  type Endpoint,
  formatEndpoint,
  type PeerChange,
  type WireguardPeer,
} from '../routing/wireguard/device.ts';
import type { HeldDevice } from './held-device.ts';
import { bytesOfKey, tryKeyOfBytes, type WireguardKey } from './keys.ts';

const hexOf = (key: WireguardKey): string => Buffer.from(bytesOfKey(key)).toString('hex');

const tryKeyOfHex = (hex: string): WireguardKey | undefined => tryKeyOfBytes(Buffer.from(hex, 'hex'));

export const GET_REQUEST = 'get=1\n\n';

function peerLines(change: PeerChange): readonly string[] {
  const name = `public_key=${hexOf(change.publicKey)}`;
  if (change.kind === 'remove') return [name, 'remove=true'];
  const { isNew, endpoint, keepaliveSeconds, allowed } = change;
  return [
    name,
    ...(isNew ? [] : ['update_only=true']),
    ...(endpoint === undefined ? [] : [`endpoint=${formatEndpoint(endpoint)}`]),
    ...(keepaliveSeconds === undefined ? [] : [`persistent_keepalive_interval=${keepaliveSeconds}`]),
    ...(allowed?.replace ? ['replace_allowed_ips=true'] : []),
    ...(allowed?.cidrs ?? []).map((cidr) => `allowed_ip=${formatCidr(cidr)}`),
  ];
}

/** The private key stands in it: it is for the device's socket and nothing else. */
export function printSetRequest({ listenPort, mark, peers }: DeviceChange, privateKey?: WireguardKey): string {
  const lines = [
    'set=1',
    ...(privateKey === undefined ? [] : [`private_key=${hexOf(privateKey)}`]),
    ...(listenPort === undefined ? [] : [`listen_port=${listenPort}`]),
    ...(mark === undefined ? [] : [`fwmark=${mark}`]),
    ...peers.flatMap(peerLines),
  ];
  return `${lines.join('\n')}\n\n`;
}

function parseEndpoint(text: string): Endpoint {
  const [, v6, v4, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  return { address: parseIp(v6 ?? v4 ?? ''), port: Number(port) };
}

type Entry = readonly [key: string, value: string];

function parseEntries(text: string): readonly Entry[] {
  return text.split('\n').flatMap((line) => {
    const at = line.indexOf('=');
    return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
  });
}

/** A peer's lines begin with its key. */
function splitPeers(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  const parts: Entry[][] = [[]];
  for (const entry of entries) {
    if (entry[0] === 'public_key') parts.push([]);
    parts.at(-1)?.push(entry);
  }
  return parts;
}

function entryOf(entries: readonly Entry[], key: string): string | undefined {
  return entries.find(([name]) => name === key)?.[1];
}

function parsePeer(entries: readonly Entry[]): readonly WireguardPeer[] {
  const publicKey = tryKeyOfHex(entryOf(entries, 'public_key') ?? '');
  const endpoint = entryOf(entries, 'endpoint');
  if (publicKey === undefined) return [];
  return [
    {
      publicKey,
      endpoint: endpoint === undefined ? undefined : parseEndpoint(endpoint),
      allowed: entries.filter(([key]) => key === 'allowed_ip').map(([, value]) => parseCidr(value)),
      keepaliveSeconds: Number(entryOf(entries, 'persistent_keepalive_interval') ?? 0),
    },
  ];
}

/** Throws `kernel` with the number that the program answers with when it refuses. */
export function refuseFailure(answer: string): void {
  const errno = Number(entryOf(parseEntries(answer), 'errno') ?? Number.NaN);
  if (errno === 0) return;
  throw new OcicatError('kernel', `configure WireGuard: the program that does it refuses, errno=${errno}`, {
    errno: Math.abs(errno),
  });
}

/** Throws as refuseFailure. */
export function parseGetAnswer(answer: string): HeldDevice {
  refuseFailure(answer);
  const [own = [], ...peers] = splitPeers(parseEntries(answer));
  const key = entryOf(own, 'private_key');
  return {
    privateKey: key === undefined ? undefined : tryKeyOfHex(key),
    listenPort: Number(entryOf(own, 'listen_port') ?? 0),
    mark: Number(entryOf(own, 'fwmark') ?? 0),
    peers: peers.flatMap(parsePeer),
  };
}
