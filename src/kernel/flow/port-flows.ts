// Ends flows to ports of this host that lead to a workload from now on: what the kernel remembers of them from before leads to the
// host itself, or to whoever had the port, for as long as packets come.
import { type Family, type Ip, ipFromBytes } from '../../net/ip.ts';
import { portInRange } from '../../net/port.ts';
import { familiesOfMapping, hostPortsOf, isForAllAddresses, type PortMapping } from '../../net/port-mapping.ts';
import * as netlink from '../../sys/netlink.ts';
import { CTA_TUPLE_IP, CTA_TUPLE_ORIG, deleteFlows, observeFlows } from './conntrack.ts';

/** linux/netfilter/nfnetlink_conntrack.h. */
const CTA_TUPLE_PROTO = 2;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_DST_PORT = 3;
/** CTA_IP_V4_DST, CTA_IP_V6_DST. */
const DESTINATION: Readonly<Record<Family, number>> = { 4: 2, 6: 4 };
const NOTHING = new Uint8Array();

interface FlowTarget {
  readonly address: Ip;
  readonly protocol: number;
  readonly port: number;
}

/** Where the first packet of a flow was sent to. */
function tryReadTarget(attributes: ReadonlyMap<number, Uint8Array>, family: Family): FlowTarget | undefined {
  const tuple = netlink.readAttributes(attributes.get(CTA_TUPLE_ORIG) ?? NOTHING);
  const address = netlink.readAttributes(tuple.get(CTA_TUPLE_IP) ?? NOTHING).get(DESTINATION[family]);
  const protocol = netlink.readAttributes(tuple.get(CTA_TUPLE_PROTO) ?? NOTHING);
  const port = protocol.get(CTA_PROTO_DST_PORT);
  if (address === undefined || port === undefined) return undefined;
  return {
    address: ipFromBytes(address),
    protocol: protocol.get(CTA_PROTO_NUM)?.[0] ?? 0,
    port: netlink.readBe16(port),
  };
}

function isFor({ address, protocol, port }: FlowTarget, mapping: PortMapping): boolean {
  const isPort = protocol === mapping.protocol && portInRange(hostPortsOf(mapping), port);
  return isPort && (isForAllAddresses(mapping) || address === mapping.hostAddress);
}

/** `own`: the host's addresses. In the namespace of a NETLINK_NETFILTER socket. Throws `kernel`. */
export function flushPortFlows(socket: netlink.Netlink, mappings: readonly PortMapping[], own: readonly Ip[]): void {
  const ownAddresses = new Set(own);
  for (const family of [4, 6] as const) {
    const ofFamily = mappings.filter((mapping) => familiesOfMapping(mapping).includes(family));
    if (ofFamily.length === 0) continue;
    const flows = observeFlows(socket, family, (attributes) => {
      const target = tryReadTarget(attributes, family);
      return target !== undefined && ownAddresses.has(target.address) && ofFamily.some((one) => isFor(target, one));
    });
    deleteFlows(socket, family, flows);
  }
}
