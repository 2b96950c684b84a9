// Whether an address is this host's own, as the kernel's routes say it: that of an interface, all of 127.0.0.0/8, or one that
// somebody has made so.
import { bitsOf, familyOf, type Ip, ipToBytes } from '../../net/ip.ts';
import * as netlink from '../../sys/netlink.ts';

/** linux/rtnetlink.h. */
const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const RTA_DST = 1;
const RTN_LOCAL = 2;
/** Of rtm_type in struct rtmsg. */
const TYPE_AT = 7;
const AF_INET = 2;
const AF_INET6 = 10;

/** In the calling thread's network namespace. */
export function observeOwnAddress(address: Ip): boolean {
  const family = familyOf(address);
  const writer = netlink.createMessageWriter(64);
  writer.begin(RTM_GETROUTE, netlink.NLM_F_ACK);
  writer.u8(family === 4 ? AF_INET : AF_INET6).u8(bitsOf(family));
  writer.u8(0).u8(0).u8(0).u8(0).u8(0).u8(0).u32(0);
  writer.attrBytes(RTA_DST, ipToBytes(address)).end();
  let isLocal = false;
  netlink.withRouteSocket((socket) =>
    socket.tryRequest(writer, 1, (type, payload) => {
      if (type === RTM_NEWROUTE) isLocal = payload[TYPE_AT] === RTN_LOCAL;
    }),
  );
  return isLocal;
}
