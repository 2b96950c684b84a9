// Whom a workload asks for names: its host, at the address of a family that it has.
import { familyOf, type Ip } from '../net/ip.ts';
import { RESOLVER } from '../net/resolver-address.ts';
import type { AttachRequest } from './request.ts';

/** One is enough, since both are the same resolver: programs that ask several at once would only ask twice. */
export function nameserversOf({ dns }: Pick<AttachRequest, 'dns'>, addresses: readonly Ip[]): readonly Ip[] {
  if (dns === 'off' || addresses.length === 0) return [];
  return [RESOLVER[addresses.some((ip) => familyOf(ip) === 4) ? 4 : 6]];
}
