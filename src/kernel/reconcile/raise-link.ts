// The last step of attaching a workload, after which packets pass: its link comes up with its route and its neighbour, which
// are what the workload alone wants of a kernel that has nothing of it yet.
import { OcicatError } from '../../base/errors.ts';
import { hostCidr, sameCidr } from '../../net/cidr.ts';
import { familyOf, formatIp, type Ip } from '../../net/ip.ts';
import { EEXIST } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import * as links from '../link/links.ts';
import type { RaisedLink } from '../link/workload-link-spec.ts';
import { writePermanentNeighbour } from '../route/neighbours.ts';
import { observeRoutes, observeWayTo, RTM_NEWROUTE, writeRoute } from '../route/routes.ts';
import { computeDifference } from './difference.ts';
import { computeWorkloadState } from './workload-state.ts';

/** A link that is not ready by then has more in its way than a busy kernel. */
const READY_TRIES = 100;
const READY_PAUSE_MS = 1;

const CREATE = netlink.NLM_F_ACK | netlink.NLM_F_CREATE | netlink.NLM_F_EXCL;

/** The link that a route of the main table to this very address leads to, other than the link itself. */
function findClash(host: netlink.Netlink, address: Ip, ownIndex: number): string | undefined {
  const wanted = hostCidr(address);
  const clash = observeRoutes(host, { family: familyOf(address) }).find(
    ({ destination, interfaceIndex }) => sameCidr(destination, wanted) && interfaceIndex !== ownIndex,
  );
  if (clash === undefined) return undefined;
  return links.observeLinks(host).find(({ index }) => index === clash.interfaceIndex)?.name ?? 'nowhere';
}

function clashError(target: RaisedLink, address: Ip, other: string): OcicatError {
  const text = `raise link "${target.hostName}": the route to ${formatIp(address)} leads to "${other}"`;
  return new OcicatError('kernel', text, { errno: EEXIST });
}

function explainRefusal(
  host: netlink.Netlink,
  refusal: netlink.Refusal,
  target: RaisedLink,
  index: number,
): OcicatError {
  const address = target.addresses[refusal.index - 1];
  const other = address === undefined || refusal.errno !== EEXIST ? undefined : findClash(host, address, index);
  if (address === undefined || other === undefined)
    return netlink.refusalError(`raise link "${target.hostName}"`, refusal);
  return clashError(target, address, other);
}

/** A route with a better metric wins over ours, and nothing would reach the pod. What rules of routing do is the host's wish. */
function findBetterRoute(host: netlink.Netlink, target: RaisedLink, index: number): OcicatError | undefined {
  for (const address of target.addresses) {
    if (observeWayTo(host, address) === index) continue;
    const other = findClash(host, address, index);
    if (other !== undefined) return clashError(target, address, other);
  }
  return undefined;
}

/** Up, then what the workload wants; the routes in the order of its addresses, as explainRefusal counts them. */
function writeRaised(
  writer: netlink.MessageWriter,
  { hostName, mac, addresses, fromLoopback = [] }: RaisedLink,
  index: number,
): void {
  const plain = { floating: [], maySpoof: false, bandwidth: {}, isPartial: false };
  const workload = { interfaceName: hostName, mac, addresses, fromLoopback, ...plain };
  const nothing = { links: [{ index, name: hostName, up: true, settings: [] }], routes: [], neighbours: [] };
  const { routes, neighbours } = computeDifference(computeWorkloadState(workload), nothing);
  links.writeUp(writer, index, true);
  for (const route of routes.added) writeRoute(writer, RTM_NEWROUTE, CREATE, route);
  for (const one of neighbours) writePermanentNeighbour(writer, one.interfaceIndex, one.address, one.mac);
}

/**
 * What the pod sends is dropped until the kernel has prepared its end for a link that has come up, which it does in its own time and
 * not before other changes of links are done (net/core/link_watch.c). Since Linux 6.8 it does so at once for a link that
 * somebody asks about.
 */
function awaitPodEnd(host: netlink.Netlink, peer: links.LinkPeer | undefined): void {
  if (peer === undefined) return;
  for (let tries = 0; tries < READY_TRIES; tries++) {
    if (links.observePeerReady(host, peer) !== false) return;
    Bun.sleepSync(READY_PAUSE_MS);
  }
}

/**
 * Opens the link: host end up, a route and a permanent neighbour for each address. From here on packets pass, the first one too.
 * Throws `not-found` when there is no such link, `kernel` when an address is already routed elsewhere; the link is down again then.
 */
export function raiseWorkloadLink(target: RaisedLink): void {
  netlink.withRouteSocket((host) => {
    const link = links.observeLink(host, target.hostName);
    if (link === undefined) throw new OcicatError('not-found', `raise link "${target.hostName}": there is none`);
    const writer = netlink.createMessageWriter(512);
    writeRaised(writer, target, link.index);
    const [refusal] = host.tryRequest(writer, writer.count);
    const error =
      refusal === undefined
        ? findBetterRoute(host, target, link.index)
        : explainRefusal(host, refusal, target, link.index);
    if (error === undefined) return awaitPodEnd(host, link.peer);
    links.writeUp(writer.reset(), link.index, false);
    host.tryRequest(writer, 1);
    throw error;
  });
}
