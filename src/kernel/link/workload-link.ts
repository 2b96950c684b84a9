// Makes a workload's link: a veth pair, everything inside the pod, and everything on the host but the last step.
// Until that last step, raiseWorkloadLink, the host end is down and carries nothing, so policy can be put in place first.
import { OcicatError } from '../../base/errors.ts';
import { hostCidr, sameCidr } from '../../net/cidr.ts';
import { familyOf, formatIp, type Ip } from '../../net/ip.ts';
import { type Mac, macToBytes } from '../../net/mac.ts';
import { EEXIST } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { applySysctls } from '../../sys/sysctl.ts';
import { writePermanentNeighbour, writeProxyDelay } from '../route/neighbours.ts';
import { observeRoutes, observeWayTo, RTM_NEWROUTE, workloadRoute, writeRoute } from '../route/routes.ts';
import * as links from './links.ts';
import { computeHostSysctls, writeHostSettings } from './workload-link-host.ts';
import { configurePod } from './workload-link-pod.ts';
import {
  computeAlias,
  FIXED_MTU_GROUP,
  familiesOf,
  HOST_MAC,
  isWorkloadLink,
  type WorkloadLink,
  type WorkloadLinkSpec,
} from './workload-link-spec.ts';

const CREATE = netlink.NLM_F_ACK | netlink.NLM_F_CREATE | netlink.NLM_F_EXCL;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;

function writeEnd(writer: netlink.MessageWriter, name: string, mac: Mac, spec: WorkloadLinkSpec): void {
  writer.attrString(links.IFLA_IFNAME, name).attrBytes(links.IFLA_ADDRESS, macToBytes(mac));
  writer.attrU32(links.IFLA_NUM_TX_QUEUES, spec.queues).attrU32(links.IFLA_NUM_RX_QUEUES, spec.queues);
  if (spec.mtuBytes !== undefined) writer.attrU32(links.IFLA_MTU, spec.mtuBytes);
}

/** The pair, its end in the pod born there; both ends down. */
function writePair(writer: netlink.MessageWriter, spec: WorkloadLinkSpec): void {
  links.beginLink(writer, links.RTM_NEWLINK, CREATE | netlink.NLM_F_ECHO);
  writeEnd(writer, spec.hostName, HOST_MAC, spec);
  if (spec.isMtuFixed) writer.attrU32(links.IFLA_GROUP, FIXED_MTU_GROUP);
  writer.nestPlain(links.IFLA_LINKINFO).attrString(IFLA_INFO_KIND, 'veth');
  writer.nestPlain(IFLA_INFO_DATA).nestPlain(VETH_INFO_PEER);
  links.writeLinkHeader(writer);
  writeEnd(writer, spec.containerName, spec.mac, spec);
  writer.attrU32(links.IFLA_NET_NS_FD, spec.netnsFd).endNest().endNest().endNest().end();
}

/** undefined when a link of the host's or the pod's name is already there. */
function tryCreatePair(host: netlink.Netlink, spec: WorkloadLinkSpec): WorkloadLink | undefined {
  const writer = netlink.createMessageWriter(512);
  writePair(writer, spec);
  let pair: WorkloadLink | undefined;
  const [refusal] = host.tryRequest(writer, 1, (type, payload) => {
    if (type !== links.RTM_NEWLINK) return;
    const peer = netlink.readAttributes(payload, 16).get(links.IFLA_LINK);
    const containerIndex = peer === undefined ? 0 : netlink.readU32(peer);
    pair = { hostName: spec.hostName, hostIndex: netlink.readU32(payload, 4), containerIndex };
  });
  if (refusal?.errno === EEXIST) return undefined;
  if (refusal === undefined && pair !== undefined && pair.containerIndex !== 0) return pair;
  const action = `create link "${spec.hostName}"`;
  if (refusal !== undefined) throw netlink.refusalError(action, refusal);
  throw new OcicatError('kernel', `${action}: the kernel did not say the indexes of its ends`);
}

function deleteLink(host: netlink.Netlink, index: number): void {
  const writer = netlink.createMessageWriter(64);
  links.beginLink(writer, links.RTM_DELLINK, netlink.NLM_F_ACK, { index }).end();
  host.tryRequest(writer, 1);
}

/** A left-over of an earlier attempt is deleted first, which takes about 20 ms; somebody else's link is left alone. */
function createPair(host: netlink.Netlink, spec: WorkloadLinkSpec): WorkloadLink {
  const first = tryCreatePair(host, spec);
  if (first !== undefined) return first;
  const old = links.observeLink(host, spec.hostName);
  if (old !== undefined && !isWorkloadLink(old)) {
    throw new OcicatError(
      'already-exists',
      `create link "${spec.hostName}": a link of that name exists and is not ours`,
    );
  }
  if (old !== undefined) deleteLink(host, old.index);
  const second = tryCreatePair(host, spec);
  if (second !== undefined) return second;
  throw new OcicatError('already-exists', `create link "${spec.containerName}" in the pod: it has one of that name`);
}

/** Marks the host end as ours and makes it a router towards the pod. */
function configureHostEnd(host: netlink.Netlink, spec: WorkloadLinkSpec, index: number): void {
  const writer = netlink.createMessageWriter(512);
  const end = { hostName: spec.hostName, families: familiesOf(spec.addresses), maySpoof: false };
  links.beginLink(writer, links.RTM_NEWLINK, netlink.NLM_F_ACK, { index });
  writer.attrString(links.IFLA_IFALIAS, computeAlias(spec.endpoint));
  writeHostSettings(writer, end);
  writer.end();
  writeProxyDelay(writer, 4, index, 0);
  host.request(writer, 2);
  applySysctls(computeHostSysctls(end));
}

/**
 * Makes the pair and configures both ends; the host end stays down. All or nothing: a failure removes what was made.
 * Synchronous, about 1 ms; 20 ms more when a left-over or a failure has to be removed.
 * Throws `already-exists` when somebody else's link has the name, `kernel` otherwise.
 */
export function createWorkloadLink(spec: WorkloadLinkSpec): WorkloadLink {
  const host = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
    const pod = netlink.openNetlink(netlink.NETLINK_ROUTE, { netnsFd: spec.netnsFd });
    try {
      const pair = createPair(host, spec);
      try {
        configureHostEnd(host, spec, pair.hostIndex);
        configurePod(pod, spec, pair.containerIndex);
        return pair;
      } catch (error) {
        deleteLink(host, pair.hostIndex);
        throw error;
      }
    } finally {
      pod.close();
    }
  } finally {
    host.close();
  }
}

/** What raising needs to know; a WorkloadLinkSpec has it. */
export interface RaisedLink {
  readonly hostName: string;
  readonly mac: Mac;
  readonly addresses: readonly Ip[];
}

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

/**
 * Opens the link: host end up, a route and a permanent neighbour for each address. From here on packets pass.
 * Throws `not-found` when there is no such link, `kernel` when an address is already routed elsewhere; the link is down again then.
 */
export function raiseWorkloadLink(target: RaisedLink): void {
  const host = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
    const link = links.observeLink(host, target.hostName);
    if (link === undefined) throw new OcicatError('not-found', `raise link "${target.hostName}": there is none`);
    const writer = netlink.createMessageWriter(512);
    links.writeUp(writer, link.index, true);
    for (const ip of target.addresses)
      writeRoute(writer, RTM_NEWROUTE, CREATE, workloadRoute(hostCidr(ip), link.index));
    for (const ip of target.addresses) writePermanentNeighbour(writer, link.index, ip, target.mac);
    const [refusal] = host.tryRequest(writer, writer.count);
    const error =
      refusal === undefined
        ? findBetterRoute(host, target, link.index)
        : explainRefusal(host, refusal, target, link.index);
    if (error === undefined) return;
    links.writeUp(writer.reset(), link.index, false);
    host.tryRequest(writer, 1);
    throw error;
  } finally {
    host.close();
  }
}

export { checkWorkloadLink } from './workload-link-check.ts';
export type { WorkloadLink, WorkloadLinkSpec } from './workload-link-spec.ts';
export { gatewayOf } from './workload-link-spec.ts';
export {
  isForeignLink,
  observeRoutedAddresses,
  observeWorkloadLinks,
  type WorkloadLinkState,
} from './workload-link-state.ts';
