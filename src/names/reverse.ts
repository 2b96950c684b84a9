// The name that an address is asked for by (RFC 1035, section 3.5; RFC 3596, section 2.5), back to the address.
import { type Ip, tryParseIp } from '../net/ip.ts';

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/;
const IPV6 = /^(?:[0-9a-f]\.){32}ip6\.arpa$/;

/** undefined for any other name; `name` in lower case. */
export function tryParseReverseName(name: string): Ip | undefined {
  const bytes = IPV4.exec(name);
  if (bytes !== null) return tryParseIp(bytes.slice(1).toReversed().join('.'));
  if (!IPV6.test(name)) return undefined;
  const digits = name.slice(0, 63).split('.').toReversed().join('');
  return tryParseIp(digits.replaceAll(/(.{4})(?!$)/g, '$1:'));
}
