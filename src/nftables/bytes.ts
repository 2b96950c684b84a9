// Values as the kernel compares them: strings with one character per byte.
import { type Ip, ipFromBytes, ipToBytes, isIpv4 } from '../net/ip.ts';
import type { Bytes } from './nft.ts';

/** IFNAMSIZ: names have up to 15 bytes and a terminating zero. */
export const INTERFACE_NAME_BYTES = 16;

export function bytesToArray(bytes: Bytes): Uint8Array {
  const array = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) array[i] = bytes.charCodeAt(i);
  return array;
}

function arrayToBytes(array: Uint8Array): Bytes {
  return String.fromCharCode(...array);
}

export function bytesOfIp(ip: Ip): Bytes {
  if (!isIpv4(ip)) return arrayToBytes(ipToBytes(ip));
  return String.fromCharCode(ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255);
}

export function ipOfBytes(bytes: Bytes): Ip {
  return ipFromBytes(bytesToArray(bytes));
}

export function bytesOfU8(value: number): Bytes {
  return String.fromCharCode(value & 255);
}

export function bytesOfU16(value: number): Bytes {
  return String.fromCharCode((value >>> 8) & 255, value & 255);
}

/** Host byte order (little-endian on x86-64 and arm64), for marks and connection states. */
export function hostBytesOfU32(value: number): Bytes {
  return String.fromCharCode(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
}

/** Big-endian. */
export function numberOfBytes(bytes: Bytes): number {
  let value = 0;
  for (let i = 0; i < bytes.length; i++) value = value * 256 + bytes.charCodeAt(i);
  return value;
}

/** The name and zeros up to 16 bytes. */
export function bytesOfInterfaceName(name: string): Bytes {
  return name.padEnd(INTERFACE_NAME_BYTES, '\0');
}

/** Zeros up to a multiple of four bytes, as each part of a concatenated key has. */
export function padToWord(bytes: Bytes): Bytes {
  return bytes.padEnd((bytes.length + 3) & ~3, '\0');
}

/** The bytes, as one big-endian number, plus one; undefined when they are all 255. */
export function nextBytes(bytes: Bytes): Bytes | undefined {
  for (let at = bytes.length - 1; at >= 0; at--) {
    const byte = bytes.charCodeAt(at);
    if (byte < 255) return bytes.slice(0, at) + String.fromCharCode(byte + 1) + '\0'.repeat(bytes.length - at - 1);
  }
  return undefined;
}

/** The bytes, as one big-endian number, minus one; all 255 for zero. */
export function previousBytes(bytes: Bytes): Bytes {
  for (let at = bytes.length - 1; at >= 0; at--) {
    const byte = bytes.charCodeAt(at);
    if (byte > 0) return bytes.slice(0, at) + String.fromCharCode(byte - 1) + '\xff'.repeat(bytes.length - at - 1);
  }
  return '\xff'.repeat(bytes.length);
}

/** `prefixLength` ones, then zeros, in `length` bytes. */
export function maskBytes(prefixLength: number, length: number): Bytes {
  return String.fromCharCode(
    ...Array.from({ length }, (_, i) => (0xff00 >> Math.min(8, Math.max(0, prefixLength - 8 * i))) & 255),
  );
}
