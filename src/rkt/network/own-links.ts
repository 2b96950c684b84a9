// The links of rkt's own networks, which a plugin has made, before anything runs in the pod: the host's end joins the group that
// the rules know it by, and both ends get a permanent entry for the one neighbour that they have. All of it goes with the link.
import { OcicatError } from '../../base/errors.ts';
import type { CniResult } from '../../cni/spec/result.ts';
import * as links from '../../kernel/link/links.ts';
import { HOST_MAC } from '../../kernel/link/workload-link-spec.ts';
import { writePermanentNeighbour } from '../../kernel/route/neighbours.ts';
import type { Ip } from '../../net/ip.ts';
import { linkGroups } from '../../net/link-groups.ts';
import { type Mac, macToBytes } from '../../net/mac.ts';
import * as libc from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import type { OwnNetwork } from './net-conf.ts';

/** What both ends are called and which addresses are behind them. */
interface OwnLink {
  readonly hostName: string;
  readonly podName: string;
  readonly ips: readonly { readonly address: Ip; readonly gateway: Ip }[];
}

/** The host's end is listed without a sandbox (CNI spec 0.3.1, "Result"). Throws `invalid`. */
function ownLinkOf(network: OwnNetwork, { interfaces, addresses }: CniResult): OwnLink {
  const host = interfaces.find(({ sandbox }) => sandbox === undefined);
  const pod = interfaces.find(({ sandbox }) => sandbox !== undefined);
  if (host === undefined || pod === undefined)
    throw new OcicatError('invalid', `network "${network}": its plugin names no link of the host and the pod`);
  const ips = addresses.map(({ address, gateway }) => {
    if (gateway !== undefined) return { address: address.address, gateway };
    throw new OcicatError('invalid', `network "${network}": its plugin gives an address without a gateway`);
  });
  return { hostName: host.name, podName: pod.name, ips };
}

function mustObserve(socket: netlink.Netlink, name: string): links.Link {
  const link = links.observeLink(socket, name);
  if (link === undefined) throw new OcicatError('kernel', `restrict link "${name}": there is none`);
  return link;
}

/** Returns the Ethernet address of the pod's end. */
function configurePodEnd(pod: netlink.Netlink, { podName, ips }: OwnLink): Mac {
  const { index, mac } = mustObserve(pod, podName);
  if (mac === undefined) throw new OcicatError('kernel', `restrict link "${podName}": it has no Ethernet address`);
  const writer = netlink.createMessageWriter(256);
  links.writeNoArp(writer, index);
  for (const { gateway } of ips) writePermanentNeighbour(writer, index, gateway, HOST_MAC);
  pod.request(writer, writer.count);
  return mac;
}

/**
 * The Ethernet address is one that was given, which udev does not exchange for its own, as it does those that the kernel has
 * made up (systemd.link(5), "MACAddressPolicy"; systemd v252, src/udev/net/link-config.c).
 */
function configureHostEnd(host: netlink.Netlink, { hostName, ips }: OwnLink, group: number, podMac: Mac): void {
  const { index } = mustObserve(host, hostName);
  const writer = netlink.createMessageWriter(256);
  links.beginLink(writer, links.RTM_NEWLINK, netlink.NLM_F_ACK, { index });
  writer.attrBytes(links.IFLA_ADDRESS, macToBytes(HOST_MAC)).attrU32(links.IFLA_GROUP, group).end();
  links.writeNoArp(writer, index);
  for (const ip of ips) writePermanentNeighbour(writer, index, ip.address, podMac);
  host.request(writer, writer.count);
}

/**
 * Puts the link under the rules of its network; `netnsFile` is the pod's network namespace. The table of neighbours is one for
 * the whole machine, so neither end learns any: the host's from what the pod says, the pod's from whom it sends to.
 * Throws `invalid` when the result does not name the link, `kernel` when it is not there.
 */
export function restrictLink(network: OwnNetwork, netnsFile: string, result: CniResult): void {
  const link = ownLinkOf(network, result);
  const netnsFd = libc.open(netnsFile, libc.O_RDONLY | libc.O_CLOEXEC);
  try {
    const podMac = netlink.withRouteSocket((pod) => configurePodEnd(pod, link), netnsFd);
    netlink.withRouteSocket((host) => configureHostEnd(host, link, linkGroups[network], podMac));
  } finally {
    libc.close(netnsFd);
  }
}
