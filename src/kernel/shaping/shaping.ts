// Makes the bandwidth of workloads' links as it is wanted: what goes to the pod waits at the host's end of its link, what comes
// from it is sent through a link of its own and waits there (Calico v3.33, felix/dataplane/linux/qos/qos.go). Nothing of it is
// in the pod's namespace, where the pod's root could undo it. Where no bandwidth is wanted, what others made stays.
import { sameContent } from '../../base/equal.ts';
import { OcicatError } from '../../base/errors.ts';
import type { LinkBandwidth } from '../../net/bandwidth.ts';
import * as netlink from '../../sys/netlink.ts';
import type { Link } from '../link/links.ts';
import { ifbNameOf, makeIfb, observeIfb, observeIfbs, removeIfb } from './ifb.ts';
import {
  type LinkQdiscs,
  NO_QDISCS,
  observeQdiscs,
  writeBucket,
  writeBucketRemoval,
  writeIngress,
  writeIngressRemoval,
} from './qdiscs.ts';
import { observeRedirect, writeRedirect } from './redirect.ts';
import { computeTokenBucket, type TokenBucket } from './token-bucket.ts';

export type ShapedLink = Pick<Link, 'index' | 'name' | 'mtuBytes'>;

export interface Shaping {
  /** Names of links that were not as wanted. */
  readonly changed: readonly string[];
  readonly failures: readonly OcicatError[];
}

/** The index of a link that is no more, where one is sent through it. */
const GONE = 0;

function isBounded({ ingress, egress }: LinkBandwidth): boolean {
  return ingress !== undefined || egress !== undefined;
}

/** What goes to the pod. True when something had to be done. */
function shapeIngress(
  socket: netlink.Netlink,
  index: number,
  wanted: TokenBucket | undefined,
  is: LinkQdiscs,
): boolean {
  if (sameContent(wanted, is.bucket)) return false;
  const writer = netlink.createMessageWriter(256);
  if (wanted === undefined) writeBucketRemoval(writer, index);
  else writeBucket(writer, index, wanted);
  socket.request(writer, 1);
  return true;
}

/** What comes from the pod; somebody else's redirection stays. True when something had to be done. */
function liftEgress(socket: netlink.Netlink, { index, name }: ShapedLink): boolean {
  const through = observeRedirect(socket, index);
  if (through === undefined || (through !== GONE && through !== observeIfb(socket, ifbNameOf(name))?.index))
    return false;
  const writer = netlink.createMessageWriter(64);
  writeIngressRemoval(writer, index);
  socket.request(writer, 1); // first: what is sent through a link that has gone is lost
  removeIfb(socket, ifbNameOf(name));
  return true;
}

/** What comes from the pod: the bucket stands before anything is sent through it. True when something had to be done. */
function shapeEgress(
  socket: netlink.Netlink,
  link: ShapedLink,
  wanted: TokenBucket,
  all: ReadonlyMap<number, LinkQdiscs>,
): boolean {
  const { hasIngress } = all.get(link.index) ?? NO_QDISCS;
  const through = hasIngress ? observeRedirect(socket, link.index) : undefined;
  const standing = through === undefined ? undefined : observeIfb(socket, ifbNameOf(link.name));
  const leads = standing?.up && standing.index === through;
  if (leads && sameContent(all.get(standing.index)?.bucket, wanted)) return false;
  const ifb = makeIfb(socket, ifbNameOf(link.name), link.mtuBytes);
  const writer = netlink.createMessageWriter(512);
  writeBucket(writer, ifb.index, wanted);
  if (!leads) {
    if (hasIngress) writeIngressRemoval(writer, link.index);
    writeIngress(writer, link.index);
    writeRedirect(writer, link.index, ifb.index);
  }
  socket.request(writer, writer.count);
  return true;
}

function shapeLink(
  socket: netlink.Netlink,
  link: ShapedLink,
  { ingress, egress }: LinkBandwidth,
  all: ReadonlyMap<number, LinkQdiscs>,
): boolean {
  const is = all.get(link.index) ?? NO_QDISCS;
  const bucketOf = (bandwidth: LinkBandwidth['ingress']) =>
    bandwidth === undefined ? undefined : computeTokenBucket(bandwidth, link.mtuBytes);
  const wanted = bucketOf(egress);
  const inward = shapeIngress(socket, link.index, bucketOf(ingress), is);
  const outward =
    wanted === undefined ? is.hasIngress && liftEgress(socket, link) : shapeEgress(socket, link, wanted, all);
  return inward || outward;
}

/** `wanted`: by the names of links. Links that are not in it are left alone, and one that cannot be done keeps no other from it. */
export function reconcileShaping(
  socket: netlink.Netlink,
  links: readonly ShapedLink[],
  wanted: ReadonlyMap<string, LinkBandwidth>,
): Shaping {
  const qdiscs = observeQdiscs(socket);
  const changed: string[] = [];
  const failures: OcicatError[] = [];
  for (const link of links) {
    const bandwidth = wanted.get(link.name);
    if (bandwidth === undefined || !(isBounded(bandwidth) || qdiscs.has(link.index))) continue;
    try {
      if (shapeLink(socket, link, bandwidth, qdiscs)) changed.push(link.name);
    } catch (error) {
      if (!(error instanceof OcicatError)) throw error;
      failures.push(new OcicatError('kernel', `bound the bandwidth of link "${link.name}": failed`, { cause: error }));
    }
  }
  return { changed, failures };
}

/**
 * Removes what links that are gone, or send as much as they can, have left; `sending`: names of those whose sending is bounded.
 * Returns what was removed.
 */
export function removeLeftIfbs(socket: netlink.Netlink, sending: readonly string[]): readonly string[] {
  const kept = new Set(sending.map(ifbNameOf));
  return [...observeIfbs(socket).keys()].filter((name) => !kept.has(name) && removeIfb(socket, name));
}
