// The values that a client may ask for a workload, in whichever of CNI's places.
import { tryParseCidr } from '../../net/cidr.ts';
import { tryParseIp } from '../../net/ip.ts';
import { macToBytes, tryParseMac } from '../../net/mac.ts';
import { parsedText } from '../../schema/scalars.ts';

/** `10.0.0.1`, or with a prefix length, which says nothing here: addresses are given as single ones. */
export const address = parsedText('an IPv4 or IPv6 address', (text) => tryParseIp(text) ?? tryParseCidr(text)?.address);

export const interfaceMac = parsedText('an Ethernet address of one interface, such as "02:00:00:00:00:01"', (text) => {
  const mac = tryParseMac(text);
  const bytes = mac === undefined ? undefined : macToBytes(mac);
  const isOfOne = bytes !== undefined && ((bytes[0] ?? 0) & 1) === 0 && bytes.some((byte) => byte !== 0);
  return isOfOne ? mac : undefined;
});
