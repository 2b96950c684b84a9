// What a WireGuard device of the kernel is asked and told by: attributes of messages of generic netlink (Linux,
// include/uapi/linux/wireguard.h).
import type { Cidr } from '../net/cidr.ts';
import { cidrFamily } from '../net/cidr.ts';
import { familyOf, ipFromBytes, ipToBytes } from '../net/ip.ts';
import type { DeviceChange, Endpoint, PeerChange, PeerUpdate, WireguardPeer } from '../routing/wireguard/device.ts';
import * as netlink from '../sys/netlink.ts';
import { beginGeneric, GENERIC_HEADER_BYTES } from './generic-netlink.ts';
import type { HeldDevice } from './held-device.ts';
import { bytesOfKey, tryKeyOfBytes, type WireguardKey } from './keys.ts';

export const WIREGUARD_FAMILY = 'wireguard';
const GET_DEVICE = 0;
const SET_DEVICE = 1;
const DEVICE = { ifname: 2, privateKey: 3, listenPort: 6, mark: 7, peers: 8 } as const;
const PEER = { publicKey: 1, flags: 3, endpoint: 4, keepalive: 5, allowed: 9 } as const;
const PEER_FLAG = { remove: 1, replaceAllowed: 2, updateOnly: 4 } as const;
const ALLOWED = { family: 1, address: 2, prefixLength: 3 } as const;
const AF_INET = 2;
const AF_INET6 = 10;
/** Of a peer's ranges in one message: up to 44 bytes each, of 65535 that an attribute may have; many messages are sent at once. */
const MAX_RANGES = 100;

const numberOf = (family: 4 | 6): number => (family === 4 ? AF_INET : AF_INET6);

/** `sockaddr_in` or `sockaddr_in6`. */
function sockaddrOf({ address, port }: Endpoint): Uint8Array {
  const family = familyOf(address);
  const bytes = new Uint8Array(family === 4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, numberOf(family), true);
  view.setUint16(2, port, false);
  bytes.set(ipToBytes(address), family === 4 ? 4 : 8);
  return bytes;
}

function endpointOf(bytes: Uint8Array): Endpoint | undefined {
  const family = netlink.readU16(bytes);
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const address = family === AF_INET ? bytes.subarray(4, 8) : bytes.subarray(8, 24);
  return { address: ipFromBytes(address), port: netlink.readBe16(bytes, 2) };
}

function writeAllowed(writer: netlink.MessageWriter, cidrs: readonly Cidr[]): void {
  writer.nest(PEER.allowed);
  for (const cidr of cidrs) {
    writer.nest(0).attrU16(ALLOWED.family, numberOf(cidrFamily(cidr)));
    writer
      .attrBytes(ALLOWED.address, ipToBytes(cidr.address))
      .attrU8(ALLOWED.prefixLength, cidr.prefixLength)
      .endNest();
  }
  writer.endNest();
}

function flagsOf(change: PeerChange): number {
  if (change.kind === 'remove') return PEER_FLAG.remove;
  return (change.isNew ? 0 : PEER_FLAG.updateOnly) | (change.allowed?.replace === true ? PEER_FLAG.replaceAllowed : 0);
}

function writePeer(writer: netlink.MessageWriter, change: PeerChange): void {
  writer.nest(DEVICE.peers).nest(0).attrBytes(PEER.publicKey, bytesOfKey(change.publicKey));
  writer.attrU32(PEER.flags, flagsOf(change));
  if (change.kind === 'update') {
    const { endpoint, keepaliveSeconds, allowed } = change;
    if (endpoint !== undefined) writer.attrBytes(PEER.endpoint, sockaddrOf(endpoint));
    if (keepaliveSeconds !== undefined) writer.attrU16(PEER.keepalive, keepaliveSeconds);
    if (allowed !== undefined) writeAllowed(writer, allowed.cidrs);
  }
  writer.endNest().endNest();
}

/** One with more ranges than a message holds goes on in further ones, which only add. */
function split(change: PeerChange): readonly PeerChange[] {
  if (change.kind === 'remove' || change.allowed === undefined || change.allowed.cidrs.length <= MAX_RANGES)
    return [change];
  const { replace, cidrs } = change.allowed;
  const first: PeerUpdate = { ...change, allowed: { replace, cidrs: cidrs.slice(0, MAX_RANGES) } };
  const rest: PeerUpdate = {
    ...{ kind: 'update', publicKey: change.publicKey, isNew: false },
    allowed: { replace: false, cidrs: cidrs.slice(MAX_RANGES) },
  };
  return [first, ...split(rest)];
}

/** A message: of the device itself, or of a peer. */
export type DeviceMessage = { readonly kind: 'own'; readonly own: OwnSettings } | PeerChange;

interface OwnSettings extends Pick<DeviceChange, 'listenPort' | 'mark'> {
  readonly privateKey?: WireguardKey;
}

/** Those that bring the device there, in order. */
export function messagesOf({ peers, ...rest }: DeviceChange, privateKey?: WireguardKey): readonly DeviceMessage[] {
  const own: OwnSettings = { ...rest, ...(privateKey === undefined ? {} : { privateKey }) };
  return [...(Object.keys(own).length === 0 ? [] : [{ kind: 'own', own } as const]), ...peers.flatMap(split)];
}

/** Appends one. */
export function writeDeviceMessage(
  writer: netlink.MessageWriter,
  device: { readonly family: number; readonly name: string },
  message: DeviceMessage,
  flags: number,
): void {
  beginGeneric(writer, device.family, SET_DEVICE, flags).attrString(DEVICE.ifname, device.name);
  if (message.kind === 'own') writeOwn(writer, message.own);
  else writePeer(writer, message);
  writer.end();
}

function writeOwn(writer: netlink.MessageWriter, { privateKey, listenPort, mark }: OwnSettings): void {
  if (privateKey !== undefined) writer.attrBytes(DEVICE.privateKey, bytesOfKey(privateKey));
  if (listenPort !== undefined) writer.attrU16(DEVICE.listenPort, listenPort);
  if (mark !== undefined) writer.attrU32(DEVICE.mark, mark);
}

export function writeGetDevice(writer: netlink.MessageWriter, family: number, deviceName: string): void {
  beginGeneric(writer, family, GET_DEVICE, netlink.NLM_F_DUMP).attrString(DEVICE.ifname, deviceName).end();
}

function readAllowed(bytes: Uint8Array): readonly Cidr[] {
  return netlink.readAttributeList(bytes).flatMap(({ value }) => {
    const attributes = netlink.readAttributes(value);
    const address = attributes.get(ALLOWED.address);
    if (address === undefined) return [];
    const prefixLength = netlink.readU8(attributes.get(ALLOWED.prefixLength) ?? new Uint8Array());
    return [{ address: ipFromBytes(address), prefixLength }];
  });
}

function readPeer(bytes: Uint8Array): WireguardPeer | undefined {
  const attributes = netlink.readAttributes(bytes);
  const publicKey = tryKeyOfBytes(attributes.get(PEER.publicKey) ?? new Uint8Array());
  const endpoint = attributes.get(PEER.endpoint);
  if (publicKey === undefined) return undefined;
  return {
    publicKey,
    endpoint: endpoint === undefined ? undefined : endpointOf(endpoint),
    allowed: readAllowed(attributes.get(PEER.allowed) ?? new Uint8Array()),
    keepaliveSeconds: netlink.readU16(attributes.get(PEER.keepalive) ?? new Uint8Array()),
  };
}

/** A peer whose ranges did not have room in one message goes on in the next. */
function joinPeers(peers: readonly WireguardPeer[]): readonly WireguardPeer[] {
  return [...Map.groupBy(peers, ({ publicKey }) => publicKey).values()].flatMap((parts) => {
    const [first] = parts;
    return first === undefined ? [] : [{ ...first, allowed: parts.flatMap(({ allowed }) => allowed) }];
  });
}

/** From the payloads of all messages of one answer. */
export function readDevice(payloads: readonly Uint8Array[]): HeldDevice {
  const parts = payloads.map((payload) => netlink.readAttributes(payload, GENERIC_HEADER_BYTES));
  const own = (type: number) => parts[0]?.get(type) ?? new Uint8Array();
  const peers = parts.flatMap((part) =>
    netlink.readAttributeList(part.get(DEVICE.peers) ?? new Uint8Array()).flatMap(({ value }) => readPeer(value) ?? []),
  );
  return {
    privateKey: tryKeyOfBytes(own(DEVICE.privateKey)),
    listenPort: netlink.readU16(own(DEVICE.listenPort)),
    mark: netlink.readU32(own(DEVICE.mark)),
    peers: joinPeers(peers),
  };
}
