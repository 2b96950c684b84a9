// BGPPeer: sessions between nodes and routers, or among nodes (Calico v3.33, api/pkg/apis/projectcalico/v3/bgppeer.go).
import { familyOf, parseIp } from '../../net/ip.ts';
import { boolean, choice, integer } from '../../schema/scalars.ts';
import { type Between, between, list, type ObjectOf, object, optional, sparse } from '../../schema/schema.ts';
import { defineKind } from '../meta/kind.ts';
import { resourceName } from '../meta/names.ts';
import type { Resource } from '../meta/resource.ts';
import { selector } from '../meta/selectors.ts';
import { asNumber, ip } from '../meta/values.ts';
import { keepaliveTime, password, peerAddress, restartTime, tryParsePeerAddress } from './bgp-values.ts';

const specFields = {
  node: sparse(resourceName, 'The node; without node and nodeSelector, all nodes.'),
  nodeSelector: sparse(selector, 'The nodes, by their labels.'),
  peerIP: sparse(peerAddress, 'The address of the peer, perhaps with a port.'),
  asNumber: sparse(asNumber, 'The AS number of the peer.'),
  localASNumber: optional(asNumber, 'The AS number that the node shows to the peer.'),
  peerSelector: sparse(selector, 'The nodes to peer with, by their labels.'),
  keepOriginalNextHop: sparse(boolean, 'Deprecated: nextHopMode Keep.'),
  nextHopMode: optional(choice('Auto', 'Self', 'Keep'), 'Which next hop routes to the peer carry.', 'Auto'),
  password: optional(password, 'The password of the sessions.'),
  sourceAddress: sparse(choice('UseNodeIP', 'None'), 'Which address the node speaks from.', 'UseNodeIP'),
  maxRestartTime: optional(restartTime, 'How long routes outlive a restart of the peer.', '120s'),
  keepaliveTime: optional(keepaliveTime, 'How often the session is kept alive.'),
  numAllowedLocalASNumbers: optional(integer(0, 0x7fffffff), 'How often the own AS number may be in a received path.'),
  ttlSecurity: optional(integer(0, 255), 'How many hops away the peer is at most (RFC 5082).'),
  reachableBy: sparse(ip, 'The gateway towards the peer.'),
  filters: sparse(list(resourceName), 'BGPFilters, in the order in which they apply.'),
  localWorkloadSelector: sparse(selector, 'Workloads of the node to peer with, by their labels.'),
  reversePeering: sparse(choice('Auto', 'Manual'), 'Whether selected nodes peer back by themselves.', 'Auto'),
};

type BGPPeerSpec = ObjectOf<typeof specFields>;
export type BGPPeer = Resource<BGPPeerSpec, undefined, 'BGPPeer'>;

type FieldName = keyof typeof specFields;

function exclusive(first: FieldName, second: FieldName): Between<BGPPeerSpec> {
  return between([], (_, report, isPresent) => {
    if (isPresent(first) && isPresent(second)) report(second, `nothing beside ${first}`);
  });
}

const spec = object(
  specFields,
  exclusive('node', 'nodeSelector'),
  exclusive('peerIP', 'peerSelector'),
  exclusive('peerSelector', 'asNumber'),
  exclusive('localWorkloadSelector', 'peerIP'),
  exclusive('localWorkloadSelector', 'peerSelector'),
  exclusive('nextHopMode', 'keepOriginalNextHop'),
  between([], (_, report, isPresent) => {
    if (isPresent('localWorkloadSelector') && !isPresent('asNumber')) {
      report('asNumber', 'an AS number beside localWorkloadSelector');
    }
    if (isPresent('reachableBy') && !isPresent('peerIP')) report('reachableBy', 'nothing without peerIP');
  }),
  between(['reachableBy', 'peerIP'], ({ reachableBy, peerIP }, report) => {
    const peer = tryParsePeerAddress(peerIP ?? '');
    if (reachableBy === undefined || peer === undefined) return;
    if (familyOf(parseIp(reachableBy)) !== familyOf(parseIp(peer.address))) {
      report('reachableBy', 'an address of the family of peerIP');
    }
  }),
);

export const bgpPeer = defineKind({
  name: 'BGPPeer',
  plural: 'bgppeers',
  aliases: ['bgppeer', 'bgpp', 'bgpps', 'bp', 'bps'],
  doc: 'Sessions between nodes and a router, or between nodes and nodes.',
  spec,
  columns: [
    { heading: 'NAME', value: (one) => one.metadata.name },
    { heading: 'PEERIP', value: (one) => one.spec.peerIP ?? '' },
    { heading: 'NODE', value: (one) => one.spec.node ?? one.spec.nodeSelector ?? '(global)' },
    { heading: 'ASN', value: (one) => String(one.spec.asNumber ?? 0) },
  ],
  table: ['NAME', 'PEERIP', 'NODE', 'ASN'],
});
