// The name servers that a host itself asks (resolv.conf(5)).
import { type Ip, tryParseIp } from '../net/ip.ts';
import { RESOLVER } from '../net/resolver-address.ts';

/** As many as the C library asks (MAXNS). */
const MAX_SERVERS = 3;

/** Our own addresses among them would ask us what we ask them. An address with a zone is of a link that nobody names here. */
export function parseNameservers(text: string): readonly Ip[] {
  const own: readonly Ip[] = Object.values(RESOLVER);
  const servers = text.split('\n').flatMap((line) => {
    const [, address] = /^nameserver[ \t]+(\S+)/.exec(line) ?? [];
    return address === undefined ? [] : (tryParseIp(address) ?? []);
  });
  return [...new Set(servers)].filter((server) => !own.includes(server)).slice(0, MAX_SERVERS);
}
