// Ethernet addresses in canonical text: six lower-case hexadecimal pairs joined by colons.
import { OcicatError } from '../base/errors.ts';
import { type Ip, ipFromBytes } from './ip.ts';

declare const mac: unique symbol;
export type Mac = string & { readonly [mac]: true };

/** Six pairs joined by `:` or `-`, either case; undefined for anything else. */
export function tryParseMac(text: string): Mac | undefined {
  if (!/^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$/.test(text)) return undefined;
  return text.toLowerCase().replaceAll('-', ':') as Mac;
}

/** As tryParseMac; throws `invalid`. */
export function parseMac(text: string): Mac {
  const parsed = tryParseMac(text);
  if (parsed === undefined)
    throw new OcicatError('invalid', `parse MAC address "${text}": six hexadecimal pairs wanted`);
  return parsed;
}

/** The six bytes in wire order. */
export function macToBytes(address: Mac): Uint8Array {
  return Uint8Array.fromHex(address.replaceAll(':', ''));
}

/** From the first six bytes. */
export function macFromBytes(bytes: Uint8Array): Mac {
  return Array.from(bytes.subarray(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join(':') as Mac;
}

/** A locally administered unicast address from six bytes of randomness or of a hash. */
export function localMac(bytes: Uint8Array): Mac {
  const own = Uint8Array.from(bytes.subarray(0, 6));
  own[0] = ((own[0] ?? 0) & 0xfe) | 0x02;
  return macFromBytes(own);
}

/** The link-local address that an interface of this Ethernet address gives itself (RFC 4291, appendix A). */
export function linkLocalOf(address: Mac): Ip {
  const [first = 0, ...rest] = macToBytes(address);
  const identifier = [first ^ 0x02, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)];
  return ipFromBytes(Uint8Array.from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, ...identifier]));
}
