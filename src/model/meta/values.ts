// Network values as resources write them: addresses, ranges, ports, protocols, AS numbers (Calico v3.33,
// libcalico-go/lib/validator/v3/validator.go).
import { formatCidr, hostCidr, isMasked, tryParseCidr } from '../../net/cidr.ts';
import { formatIp, isIpv4, tryParseIp } from '../../net/ip.ts';
import { tryParseMac } from '../../net/mac.ts';
import { formatPortRange, tryParsePortRange } from '../../net/port.ts';
import { hasPorts, protocolName, tryParseProtocol } from '../../net/protocol.ts';
import { integer, parsedText } from '../../schema/scalars.ts';
import type { Scalar } from '../../schema/schema.ts';
import { endpointPortName } from './names.ts';

export const ip = parsedText('an IPv4 or IPv6 address', (value) => {
  const parsed = tryParseIp(value);
  return parsed === undefined ? undefined : formatIp(parsed);
});

export const ipv4 = parsedText('an IPv4 address', (value) => {
  const parsed = tryParseIp(value);
  return parsed !== undefined && isIpv4(parsed) ? formatIp(parsed) : undefined;
});

export const ipv6 = parsedText('an IPv6 address', (value) => {
  const parsed = tryParseIp(value);
  return parsed !== undefined && !isIpv4(parsed) ? formatIp(parsed) : undefined;
});

/** A range with a prefix length and host bits zero; kept as written but for the address's spelling. */
export const maskedCidr = parsedText('a range such as 10.0.0.0/8, host bits zero', (value) => {
  const parsed = tryParseCidr(value);
  return parsed !== undefined && isMasked(parsed) ? formatCidr(parsed) : undefined;
});

/** A range, host bits allowed. */
export const cidr = parsedText('a range such as 10.0.0.0/8', (value) => {
  const parsed = tryParseCidr(value);
  return parsed === undefined ? undefined : formatCidr(parsed);
});

/** A range or a bare address; a bare address stays one. */
export const cidrOrIp = parsedText('an address or a range', (value) => {
  const range = tryParseCidr(value);
  if (range !== undefined) return formatCidr(range);
  const address = tryParseIp(value);
  return address === undefined ? undefined : formatIp(address);
});

/** An address with the length of its subnet; a bare address becomes /32 or /128, "no subnet". */
export const interfaceCidr = parsedText('an address with its prefix length, such as 10.0.0.1/24', (value) => {
  const range = tryParseCidr(value);
  if (range !== undefined) return formatCidr(range);
  const address = tryParseIp(value);
  return address === undefined ? undefined : formatCidr(hostCidr(address));
});

export const mac = parsedText('a MAC address', (value) => tryParseMac(value));

export const port = integer(1, 65535);

/** A port in a rule: a number from 1, a range `"a:b"`, or a name. One port is stored as a number. */
export const rulePort: Scalar<number | string> = {
  shape: 'scalar',
  wanted: 'a port from 1 to 65535, a range such as "8000:8010" or a port name',
  json: { anyOf: [{ type: 'integer', minimum: 1, maximum: 65535 }, { type: 'string' }] },
  read: (value) => {
    if (typeof value !== 'number' && typeof value !== 'string') return undefined;
    const range = tryParsePortRange(value);
    if (range !== undefined) {
      if (range.min === 0) return undefined;
      return range.min === range.max ? range.min : formatPortRange(range);
    }
    return endpointPortName.read(value) as string | undefined;
  },
};

/** Whether a rule's port is the name of an endpoint port. */
export function isNamedPort(value: number | string): value is string {
  return typeof value === 'string' && tryParsePortRange(value) === undefined;
}

/** A protocol: a name in any case, stored as Calico spells it, or a number from 1 to 255. */
export const protocol: Scalar<number | string> = {
  shape: 'scalar',
  wanted: 'TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite or a number from 1 to 255',
  json: { anyOf: [{ type: 'integer', minimum: 1, maximum: 255 }, { type: 'string' }] },
  read: (value) => {
    if (typeof value !== 'number' && typeof value !== 'string') return undefined;
    const known = typeof value === 'string' ? protocolName(value) : undefined;
    return known ?? tryParseProtocol(value);
  },
};

/** A protocol of a port: one that has ports. */
export const portProtocol: Scalar<number | string> = {
  shape: 'scalar',
  wanted: 'TCP, UDP or SCTP, or its number',
  json: {
    anyOf: [
      { type: 'integer', enum: [6, 17, 132] },
      { type: 'string', enum: ['TCP', 'UDP', 'SCTP'] },
    ],
  },
  read: (value) => {
    const read = protocol.read(value);
    const number = typeof read === 'number' || typeof read === 'string' ? tryParseProtocol(read) : undefined;
    return number !== undefined && hasPorts(number) ? read : undefined;
  },
};

function tryReadAsNumber(value: unknown): number | undefined {
  if (typeof value === 'number' && !Number.isInteger(value)) return undefined; // 1.10 would be 1.1
  const [high = '', low, ...rest] = String(value).split('.');
  if (rest.length > 0 || !/^\d{1,10}$/.test(high)) return undefined;
  if (low === undefined) return Number(high) <= 0xffffffff ? Number(high) : undefined;
  if (!/^\d{1,5}$/.test(low) || Number(low) > 65535 || Number(high) > 65535) return undefined;
  return Number(high) * 65536 + Number(low);
}

/**
 * An AS number: 32 bits, or `"x.y"` for x × 65536 + y (RFC 5396); stored as a plain number. 0 is nobody's (RFC 7607); the
 * store may have it.
 */
export const asNumber: Scalar<number> = {
  shape: 'scalar',
  wanted: 'an AS number: 1 to 4294967295, or "x.y" with both up to 65535',
  json: { anyOf: [{ type: 'integer', minimum: 1, maximum: 4294967295 }, { type: 'string' }] },
  read: (value) => tryReadAsNumber(value) || undefined,
  readStored: tryReadAsNumber,
};

/** Names of DSCP values (RFC 2474, 2597, 3246): CSx = 8x, AFxy = 8x + 2y. */
const dscpNames: ReadonlyMap<string, number> = new Map([
  ['DF', 0],
  ['EF', 46],
  ...[0, 1, 2, 3, 4, 5, 6].map((x): [string, number] => [`CS${x}`, 8 * x]),
  ...[1, 2, 3, 4].flatMap((x) => [1, 2, 3].map((y): [string, number] => [`AF${x}${y}`, 8 * x + 2 * y])),
]);

/** The number of a value as `dscp` reads it. */
export function numberOfDscp(value: number | string): number {
  return typeof value === 'number' ? value : (dscpNames.get(value) ?? 0);
}

/** A DSCP value: 0 to 63 or a name; stored as given. */
export const dscp: Scalar<number | string> = {
  shape: 'scalar',
  wanted: 'a DSCP value: 0 to 63, DF, EF, AF11 to AF43 or CS0 to CS6',
  json: { anyOf: [{ type: 'integer', minimum: 0, maximum: 63 }, { type: 'string' }] },
  read: (value) => {
    if (typeof value === 'number') return Number.isInteger(value) && value >= 0 && value <= 63 ? value : undefined;
    if (typeof value !== 'string') return undefined;
    if (/^\d{1,2}$/.test(value)) return Number(value) <= 63 ? Number(value) : undefined;
    return dscpNames.has(value.toUpperCase()) ? value.toUpperCase() : undefined;
  },
};

/** A port or a range of ports from 1, such as `"30000:32767"`; one port is stored as a number. */
export const portRange: Scalar<number | string> = {
  shape: 'scalar',
  wanted: 'a port from 1 to 65535 or a range such as "30000:32767"',
  json: { anyOf: [{ type: 'integer', minimum: 1, maximum: 65535 }, { type: 'string' }] },
  read: (value) => {
    const range = typeof value === 'number' || typeof value === 'string' ? tryParsePortRange(value) : undefined;
    if (range === undefined || range.min === 0) return undefined;
    return range.min === range.max ? range.min : formatPortRange(range);
  },
};
