// The addresses at which workloads speak with this host: on the loopback, with a mark for each purpose, which the kernel keeps
// (IFA_PROTO, since Linux 5.18). Nothing is sent from them unless somebody asks for it: IPv4's are of scope host, IPv6's deprecated.
import { cidrFamily, formatCidr, hostCidr } from '../../net/cidr.ts';
import { type Ip, ipToBytes, isIpv4 } from '../../net/ip.ts';
import { EADDRNOTAVAIL, EEXIST } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { observeAddresses, RTM_DELADDR, RTM_NEWADDR } from '../route/addresses.ts';
import { requestEach } from '../route/netlink-batch.ts';
import { PATH_PROTOCOL, WORKLOAD_ROUTE_PROTOCOL } from '../route/routes.ts';

/** What workloads ask for there: routes, by BGP, or names. */
export type Purpose = 'bgp' | 'names';

const MARKS: Readonly<Record<Purpose, number>> = { bgp: WORKLOAD_ROUTE_PROTOCOL, names: PATH_PROTOCOL };

/** Of every network namespace (linux: net/core/dev.c, the first device that is registered). */
const LOOPBACK_INDEX = 1;

const AF_INET = 2;
const AF_INET6 = 10;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_CACHEINFO = 6;
const IFA_PROTO = 11;
const IFA_F_NODAD = 0x02;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_HOST = 254;
/** Preferred for no time, valid for ever; the kernel fills in two times of its own (linux/if_addr.h, ifa_cacheinfo). */
const DEPRECATED = Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0);

function write(writer: netlink.MessageWriter, type: number, flags: number, address: Ip, mark: number): void {
  const [bytes, v4] = [ipToBytes(address), isIpv4(address)];
  writer
    .begin(type, flags)
    .u8(v4 ? AF_INET : AF_INET6)
    .u8(bytes.length * 8)
    .u8(v4 ? 0 : IFA_F_NODAD)
    .u8(v4 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE)
    .u32(LOOPBACK_INDEX);
  writer.attrBytes(IFA_LOCAL, bytes).attrBytes(IFA_ADDRESS, bytes);
  if (!v4) writer.attrBytes(IFA_CACHEINFO, DEPRECATED);
  writer.attrBytes(IFA_PROTO, Uint8Array.of(mark)).end();
}

export interface AddressChange {
  readonly added: readonly Ip[];
  readonly removed: readonly Ip[];
}

/** Returns those that were changed; `done`: of the others, which are as wanted already. */
function request(
  socket: netlink.Netlink,
  mark: number,
  type: number,
  addresses: readonly Ip[],
  done: number,
): readonly Ip[] {
  const more = type === RTM_NEWADDR ? netlink.NLM_F_CREATE | netlink.NLM_F_EXCL : 0;
  const refused = requestEach(socket, addresses, (writer, address, flags) =>
    write(writer, type, flags | more, address, mark),
  );
  const [failure] = refused.filter(({ errno }) => errno !== done);
  if (failure === undefined) return addresses.filter((address) => !refused.some(({ item }) => item === address));
  const action = type === RTM_NEWADDR ? 'add' : 'remove';
  throw netlink.refusalError(`${action} address "${formatCidr(hostCidr(failure.item))}"`, failure);
}

/** Makes the loopback have these and no others of the purpose; what somebody has put there without our mark stays. Throws `kernel`. */
export function applyLoopbackAddresses(purpose: Purpose, wanted: readonly Ip[]): AddressChange {
  const mark = MARKS[purpose];
  return netlink.withRouteSocket((socket) => {
    const own = observeAddresses(socket, LOOPBACK_INDEX).filter(
      ({ interfaceIndex, protocol }) => interfaceIndex === LOOPBACK_INDEX && protocol === mark,
    );
    const standing = own.filter(({ address }) => address.prefixLength === (cidrFamily(address) === 4 ? 32 : 128));
    const there = new Set(standing.map(({ address }) => address.address));
    const added = wanted.filter((address) => !there.has(address));
    const removed = [...there].filter((address) => !wanted.includes(address));
    return {
      added: request(socket, mark, RTM_NEWADDR, added, EEXIST),
      removed: request(socket, mark, RTM_DELADDR, removed, EADDRNOTAVAIL),
    };
  });
}
