// Makes a workload's link: a veth pair, everything inside the pod, and everything on the host but the last step.
// Until that last step (raiseWorkloadLink in `reconcile`) the host end is down and carries nothing, so policy can be put in place first.
import { OcicatError } from '../../base/errors.ts';
import { type Mac, macToBytes } from '../../net/mac.ts';
import { EEXIST } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { applySysctls } from '../../sys/sysctl.ts';
import { writeProxyDelay } from '../route/neighbours.ts';
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

/** The pair, its end in the pod born there, where its namespace is known; both ends down. */
function writePair(writer: netlink.MessageWriter, spec: WorkloadLinkSpec): void {
  links.beginLink(writer, links.RTM_NEWLINK, CREATE | netlink.NLM_F_ECHO);
  writeEnd(writer, spec.hostName, HOST_MAC, spec);
  if (spec.isMtuFixed) writer.attrU32(links.IFLA_GROUP, FIXED_MTU_GROUP);
  writer.nestPlain(links.IFLA_LINKINFO).attrString(IFLA_INFO_KIND, 'veth');
  writer.nestPlain(IFLA_INFO_DATA).nestPlain(VETH_INFO_PEER);
  links.writeLinkHeader(writer);
  writeEnd(writer, spec.containerName, spec.mac, spec);
  if (spec.netnsFd !== undefined) writer.attrU32(links.IFLA_NET_NS_FD, spec.netnsFd);
  writer.endNest().endNest().endNest().end();
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
  const end = { hostName: spec.hostName, families: familiesOf(spec.addresses), maySpoof: false, routeLocalnet: false };
  links.beginLink(writer, links.RTM_NEWLINK, netlink.NLM_F_ACK, { index });
  writer.attrString(links.IFLA_IFALIAS, computeAlias(spec.endpoint));
  writeHostSettings(writer, end);
  writer.end();
  writeProxyDelay(writer, 4, index, 0);
  host.request(writer, 2);
  applySysctls(computeHostSysctls(end));
}

type ConfigurePod = (containerIndex: number) => void;

function createConfigured(host: netlink.Netlink, spec: WorkloadLinkSpec, configure: ConfigurePod): WorkloadLink {
  const pair = createPair(host, spec);
  try {
    configureHostEnd(host, spec, pair.hostIndex);
    configure(pair.containerIndex);
    return pair;
  } catch (error) {
    deleteLink(host, pair.hostIndex);
    throw error;
  }
}

/**
 * Makes the pair and configures both ends; the host end stays down. All or nothing: a failure removes what was made.
 * Synchronous, about 1 ms; 20 ms more when a left-over or a failure has to be removed.
 * Throws `already-exists` when somebody else's link has the name, `kernel` otherwise.
 */
export function createWorkloadLink(spec: WorkloadLinkSpec): WorkloadLink {
  return netlink.withRouteSocket((host) => {
    const { netnsFd } = spec;
    if (netnsFd === undefined) return createConfigured(host, spec, () => undefined);
    return netlink.withRouteSocket(
      (pod) => createConfigured(host, spec, (index) => configurePod(pod, { ...spec, netnsFd }, index)),
      netnsFd,
    );
  });
}

export { checkWorkloadLink } from './workload-link-check.ts';
export type { RaisedLink, WorkloadLink, WorkloadLinkSpec } from './workload-link-spec.ts';
export { gatewayOf, handoverNameOf } from './workload-link-spec.ts';
export {
  isForeignLink,
  observeRoutedAddresses,
  observeWorkloadLinks,
  type WorkloadLinkState,
} from './workload-link-state.ts';
