// Values that several of Docker's requests have: identifiers, addresses, and the gateways that all containers see.
import { type Cidr, formatCidr, hostCidr, tryParseCidr } from '../../net/cidr.ts';
import { type Family, familyOf, type Ip, parseIp, tryParseIp } from '../../net/ip.ts';
import { type Mac, tryParseMac } from '../../net/mac.ts';
import { parsedText, text } from '../../schema/scalars.ts';

/** Of a network or an endpoint: 64 hexadecimal digits, or what Docker's swarm mode makes; names a file. */
export const identifier = text({ wanted: 'an identifier of Docker', pattern: /^[a-z0-9]{1,64}$/ });

export const address = parsedText<Ip>('an IP address', tryParseIp);
export const range = parsedText<Cidr>('a range such as 192.168.0.0/16', tryParseCidr);

export const mac = parsedText<Mac>('a MAC address', tryParseMac);

/** By family. Calico's (Calico v3.33, cni-plugin/pkg/dataplane/linux/dataplane_linux.go). */
export const GATEWAYS: Readonly<Record<Family, Ip>> = {
  4: parseIp('169.254.1.1'),
  6: parseIp('fe80::ecee:eeff:feee:eeee'),
};

/** An address as Docker wants to see it, alone in its range: all others lie behind the gateway. */
export function printAddress(ip: Ip): string {
  return formatCidr(hostCidr(ip));
}

export function isGateway(ip: Ip): boolean {
  return ip === GATEWAYS[familyOf(ip)];
}
