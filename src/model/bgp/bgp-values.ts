// Values that the BGP kinds share: communities, passwords, peer addresses (Calico v3.33,
// api/pkg/apis/projectcalico/v3/bgpconfig.go).
import { cidrContains, parseCidr } from '../../net/cidr.ts';
import { formatIp, type Ip, parseIp, tryParseIp } from '../../net/ip.ts';
import { boolean, integer, parsedText, text } from '../../schema/scalars.ts';
import { object, optional, required, type Scalar } from '../../schema/schema.ts';
import { durationWithin } from '../meta/duration.ts';

function partsWithin(value: string, count: number, max: number): boolean {
  const parts = value.split(':');
  return parts.length === count && parts.every((part) => /^(0|[1-9]\d{0,9})$/.test(part) && Number(part) <= max);
}

/** Whether a text is `aa:nn` with 16 bits each, or `aa:nn:mm` with 32 bits each (RFC 1997, RFC 8092). */
export function isCommunity(value: string): boolean {
  return partsWithin(value, 2, 0xffff) || partsWithin(value, 3, 0xffffffff);
}

export const community = parsedText(
  'a community: aa:nn up to 65535 each, or aa:nn:mm up to 4294967295 each',
  (value) => (isCommunity(value) ? value : undefined),
);

function notEmpty(wanted: string): Scalar<string> {
  return text({ wanted, pattern: /./ });
}

/** A reference to a key of a Kubernetes Secret: here a file of each host, which never comes into the store. */
export const password = object({
  secretKeyRef: optional(
    object({
      name: required(notEmpty('the name of a Secret'), 'The folder of the file.'),
      key: required(notEmpty('the name of a key in the Secret'), 'The name of the file.'),
      optional: optional(boolean, 'Whether it may be missing.'),
    }),
    'The file that holds it on each host, /etc/calico/bgp-passwords/NAME/KEY; with Kubernetes a key of a Secret.',
  ),
});

/** How long routes outlive a restart: 12 bits of seconds (RFC 4724). */
export const MAX_RESTART_SECONDS = 4095;
export const restartTime = durationWithin(0, MAX_RESTART_SECONDS);

/** How often a session is kept alive: a third of the hold time, which has 16 bits of seconds (RFC 4271). */
export const MAX_KEEPALIVE_SECONDS = 21845;
export const keepaliveTime = durationWithin(1, MAX_KEEPALIVE_SECONDS);

/** Whether BGP can speak from or to an address: one host's, and not one that is another on each link. */
export function isSpeakerAddress(ip: Ip): boolean {
  return !NOBODY.some((range) => cidrContains(range, ip));
}

/** Unspecified, loopback, multicast, broadcast; for IPv6 also link-local addresses (RFC 6890). */
const NOBODY = [
  '0.0.0.0/32',
  '127.0.0.0/8',
  '224.0.0.0/4',
  '255.255.255.255/32',
  '::/127',
  'fe80::/10',
  'ff00::/8',
].map(parseCidr);

/** Priority of routes in the kernel: lower wins. */
export const routePriority = integer(1, 2147483646);

/** Address and port of a peer; port undefined where the text has none. */
export interface PeerAddress {
  readonly address: string;
  readonly port: number | undefined;
}

/** `ip`, `v4:port` or `[v6]:port`; undefined for anything else. */
export function tryParsePeerAddress(value: string): PeerAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(value);
  const bare = tryParseIp(value);
  if (bare !== undefined) return { address: formatIp(bare), port: undefined };
  const address = tryParseIp(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3] ?? 0);
  if (address === undefined || port < 1 || port > 65535) return undefined;
  return { address: formatIp(address), port };
}

function tryReadPeerAddress(value: unknown): string | undefined {
  const peer = typeof value === 'string' ? tryParsePeerAddress(value) : undefined;
  if (peer === undefined) return undefined;
  if (peer.port === undefined) return peer.address;
  return peer.address.includes(':') ? `[${peer.address}]:${peer.port}` : `${peer.address}:${peer.port}`;
}

/** The store may also have an address that is no host's. */
export const peerAddress: Scalar<string> = {
  ...parsedText("a host's address, not link-local, with a port as 10.0.0.1:179 or [fd00::1]:179", (value) => {
    const peer = tryParsePeerAddress(value);
    return peer !== undefined && isSpeakerAddress(parseIp(peer.address)) ? tryReadPeerAddress(value) : undefined;
  }),
  readStored: tryReadPeerAddress,
};
