// The pod's end of a workload link: settings, addresses, the gateway as its one neighbour, and the ways out.
import { hostCidr } from '../../net/cidr.ts';
import { familyOf } from '../../net/ip.ts';
import * as netlink from '../../sys/netlink.ts';
import { applySysctls, type Sysctl } from '../../sys/sysctl.ts';
import { writeAddress } from '../route/addresses.ts';
import { writePermanentNeighbour } from '../route/neighbours.ts';
import { RTM_NEWROUTE, writeRoute } from '../route/routes.ts';
import { writeDeleteRule, writeNewRule } from '../route/routing-rules.ts';
import * as links from './links.ts';
import { planPodRouting } from './pod-routes.ts';
import { familiesOf, gatewayOf, HOST_MAC, type WorkloadLinkSpec } from './workload-link-spec.ts';

const CREATE = netlink.NLM_F_ACK | netlink.NLM_F_CREATE | netlink.NLM_F_EXCL;

/** Whether the pod forwards is the first interface's to say; a later one can only allow it. */
function podSysctls(spec: WorkloadLinkSpec, isAlone: boolean): readonly Sysctl[] {
  const value = spec.allowForwarding ? '1' : '0';
  const forwarding = (name: string) => (spec.allowForwarding || isAlone ? [{ name, value }] : []);
  const ipv4 = forwarding('net/ipv4/ip_forward');
  if (!spec.addresses.some((ip) => familyOf(ip) === 6)) return ipv4;
  return [
    ...ipv4,
    ...['all', 'default', 'lo'].map((scope) => ({ name: `net/ipv6/conf/${scope}/disable_ipv6`, value: '0' })),
    { name: `net/ipv6/conf/${spec.containerName}/accept_dad`, value: '0' },
    ...forwarding('net/ipv6/conf/all/forwarding'),
  ];
}

/**
 * Addresses first, then the way to the gateway, then what lies behind it. A pod has one neighbour, the gateway, and gets a
 * permanent entry for it. `pod` is a socket in the pod's namespace.
 */
export function configurePod(
  pod: netlink.Netlink,
  spec: WorkloadLinkSpec & { readonly netnsFd: number },
  index: number,
): void {
  const routing = planPodRouting(pod, spec, index);
  applySysctls(podSysctls(spec, routing.isAlone), spec.netnsFd);
  const writer = netlink.createMessageWriter(1024);
  links.writeNoArp(writer, index);
  for (const up of [links.LOOPBACK_INDEX, index]) links.writeUp(writer, up, true);
  for (const ip of spec.addresses) writeAddress(writer, { interfaceIndex: index, address: hostCidr(ip) });
  for (const family of familiesOf(spec.addresses)) writePermanentNeighbour(writer, index, gatewayOf(family), HOST_MAC);
  for (const rule of routing.stale) writeDeleteRule(writer, rule);
  for (const route of routing.routes) writeRoute(writer, RTM_NEWROUTE, CREATE, route);
  for (const rule of routing.rules) writeNewRule(writer, rule);
  pod.request(writer, writer.count);
}
