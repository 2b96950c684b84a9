// Keys of WireGuard (Curve25519, RFC 7748): made, kept apart as private and public, and written as each reader wants them.
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';

/** 32 bytes in base64, as a Node resource has a public one. */
export type WireguardKey = string;

const KEY_BYTES = 32;
/** What stands before the bytes of such a private key in PKCS #8 (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b656e04220420', 'hex');

export function bytesOfKey(key: WireguardKey): Uint8Array {
  return Buffer.from(key, 'base64');
}

export function keyOfBytes(bytes: Uint8Array): WireguardKey {
  return Buffer.from(bytes).toString('base64');
}

/** Undefined for none, which the kernel and wireguard-go say as zeros. */
export function tryKeyOfBytes(bytes: Uint8Array): WireguardKey | undefined {
  return bytes.length === KEY_BYTES && bytes.some((byte) => byte !== 0) ? keyOfBytes(bytes) : undefined;
}

export function isKey(text: string): boolean {
  return /^[A-Za-z0-9+/]{43}=$/.test(text) && bytesOfKey(text).length === KEY_BYTES;
}

/** With the bits set and cleared that RFC 7748 section 5 wants. */
export function makePrivateKey(): WireguardKey {
  const bytes = randomBytes(KEY_BYTES);
  bytes[0] = (bytes[0] ?? 0) & 248;
  bytes[31] = ((bytes[31] ?? 0) & 127) | 64;
  return keyOfBytes(bytes);
}

export function publicKeyOf(privateKey: WireguardKey): WireguardKey {
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_HEAD, bytesOfKey(privateKey)]),
    format: 'der',
    type: 'pkcs8',
  });
  return keyOfBytes(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES));
}
