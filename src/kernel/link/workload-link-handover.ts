// A pod's end that its client takes to the pod and gives addresses itself, as Docker does: what is then still missing there, which
// is that the gateway is known without being asked for, and that what is sent from an address leaves where that is.
import type { Cidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import { EEXIST } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { writePermanentNeighbour } from '../route/neighbours.ts';
import { RTM_NEWROUTE, writeRoute } from '../route/routes.ts';
import { writeDeleteRule, writeNewRule } from '../route/routing-rules.ts';
import * as links from './links.ts';
import { forEachNetns, isInhabited } from './netns-ids.ts';
import { planTakenRouting } from './pod-routes.ts';
import { familiesOf, gatewayOf, HOST_MAC, isWorkloadLink } from './workload-link-spec.ts';

export interface TakenLink {
  readonly hostName: string;
  readonly addresses: readonly Ip[];
  /** What is reached by this interface although another one has the preference. */
  readonly routes: readonly Cidr[];
  /** Whether its client makes it the pod's way out. */
  readonly hasGateway: boolean;
}

const CREATE = netlink.NLM_F_ACK | netlink.NLM_F_CREATE | netlink.NLM_F_EXCL;

/** What is there already stays. */
function completeIn(pod: netlink.Netlink, index: number, taken: TakenLink): void {
  const { addresses, hasGateway } = taken;
  const containerName = links.observeLinkOfIndex(pod, index)?.name ?? '';
  const { stale, routes, rules } = planTakenRouting(pod, { ...taken, containerName }, index, hasGateway);
  const writer = netlink.createMessageWriter(1024);
  links.writeNoArp(writer, index);
  for (const family of familiesOf(addresses)) writePermanentNeighbour(writer, index, gatewayOf(family), HOST_MAC);
  for (const rule of stale) writeDeleteRule(writer, rule);
  for (const route of routes) writeRoute(writer, RTM_NEWROUTE, CREATE, route);
  for (const rule of rules) writeNewRule(writer, rule);
  const refusal = pod.tryRequest(writer, writer.count).find(({ errno }) => errno !== EEXIST);
  if (refusal !== undefined) throw netlink.refusalError(`complete link "${taken.hostName}" in its pod`, refusal);
}

/** `waiting` until the pod's end is up in the pod, `gone` when the link is. Throws `kernel`. */
export function completeTakenLink(taken: TakenLink): 'waiting' | 'done' | 'gone' {
  return netlink.withRouteSocket((host) => {
    const link = links.observeLink(host, taken.hostName);
    if (link === undefined || !isWorkloadLink(link)) return 'gone';
    const { peer, running } = link;
    if (peer === undefined || !running) return 'waiting';
    let isFound = false;
    forEachNetns(host, (netnsId, netnsFd) => {
      if (netnsId !== peer.netnsId) return;
      netlink.withRouteSocket((pod) => completeIn(pod, peer.index, taken), netnsFd);
      isFound = true;
    });
    return isFound ? 'done' : 'waiting';
  });
}

/** Whether the link has gone, or nobody lives where its end was taken to. Throws `kernel`. */
export function isLinkAbandoned(hostName: string): boolean {
  return netlink.withRouteSocket((host) => {
    const link = links.observeLink(host, hostName);
    return link === undefined || (link.peer !== undefined && !isInhabited(host, link.peer.netnsId));
  });
}

/** Takes the host's end down, so that nothing passes; one that has gone is passed over. */
export function lowerLink(hostName: string): void {
  netlink.withRouteSocket((host) => {
    const link = links.observeLink(host, hostName);
    if (link === undefined) return;
    const writer = netlink.createMessageWriter(64);
    links.writeUp(writer, link.index, false);
    host.tryRequest(writer, 1);
  });
}
