// The cluster's state as this agent knows it, beside policy: nodes, pools, configuration and own blocks, as they stand in the store.
import type { StoreKey } from '../../datastore/keys.ts';
import type { NatPool } from '../../firewall/nat/ranges.ts';
import { type BGPConfiguration, bgpConfiguration } from '../../model/bgp/bgp-configuration.ts';
import { type BGPFilter, bgpFilter } from '../../model/bgp/bgp-filter.ts';
import { type BGPPeer, bgpPeer } from '../../model/bgp/bgp-peer.ts';
import {
  type FelixConfiguration,
  type FelixConfigurationSpec,
  felixConfiguration,
} from '../../model/felix/felix-configuration.ts';
import { recoverFelixConfiguration } from '../../model/felix/recover.ts';
import { computeNodeSettings } from '../../model/felix/settings-for-node.ts';
import { type IPPool, ipPool } from '../../model/ipam/ip-pool.ts';
import type { Resource } from '../../model/meta/resource.ts';
import { type Node, node } from '../../model/node/node.ts';
import { type Cidr, cidrFamily, hostCidr, maskCidr, parseCidr, tryParseCidrOrIp } from '../../net/cidr.ts';
import { type Family, type Ip, isIpv4 } from '../../net/ip.ts';
import type { ClusterRouteChanges, ClusterRoutes } from '../../routing/cluster-routes.ts';
import type { OwnRouting, RoutingInput, RoutingNode, RoutingPool } from '../../routing/input.ts';
import { parseNodeEnds } from '../../routing/parse-cluster.ts';
import { parseBgpFilter } from '../../routing/parse-filters.ts';
import { parseBgpSettings, parseRoutingPool, programsOf, tryParseBgpPeer } from '../../routing/parse-resources.ts';
import { createRouteCalculation } from '../../routing/route-calculation.ts';
import { computeRouteOwners, type RouteOwners } from '../../routing/route-owners.ts';
import { computeHostEncryption, type HostEncryption } from '../../routing/wireguard/cluster.ts';
import { isEncrypting } from '../../routing/wireguard/parse.ts';
import type { Log } from '../../sys/log.ts';
import { computeHostsAreDirect, type FelixSettings } from '../config/felix-settings.ts';
import { computeRouteSettings } from '../config/route-settings.ts';
import { createOwnBlocks } from '../node/own-blocks.ts';
import { tryReadBlockHolders } from '../tunnel/block-holders.ts';
import { createInformerStore, type InformerStore } from './informer-store.ts';
import { createRoutingNodes } from './routing-nodes.ts';

/** What a change makes out of date. */
export type Invalidation = 'routing' | 'pools' | 'felix' | 'blocks';

export interface ClusterState {
  /** Takes one key's new value (undefined: gone) and says what is out of date by it. */
  update(key: StoreKey, value: string | undefined): Invalidation | undefined;
  /** Undefined while this node's own resource is not known. */
  routingInput(): RoutingInput | undefined;
  /** The same without what is of other nodes. */
  ownRouting(): OwnRouting | undefined;
  routingPools(): readonly RoutingPool[];
  /** Addresses of IPv4 of all nodes. */
  hosts4(): readonly Ip[];
  natPools(): readonly NatPool[];
  /** Destinations outside of pools that see the workloads' own addresses. */
  natDirect(): readonly Cidr[];
  /** Where the agent itself makes ways to other hosts, as far as it is settled. */
  readonly clusterRoutes: ClusterRoutes;
  /** Takes into `clusterRoutes` what has changed; returns what is other by it. */
  settleRoutes(): ClusterRouteChanges;
  /** Hosts outside of the cluster that count as its own. */
  externalNodes(): readonly Cidr[];
  /** What is wrong with who makes the routes into the pools that there are, as sentences. */
  routeFaults(): readonly string[];
  /** What is encrypted between hosts. */
  encryption(family: Family): HostEncryption;
  /** What holds on this host. */
  settings(): FelixSettings;
  /** This node has an address of it, or the cluster a pool. */
  usesIpv6(): boolean;
}

/** What the agent itself brings to the cluster state. */
export interface ClusterStateContext {
  readonly nodeName: string;
  readonly routerId: RoutingInput['routerId'];
  /** Settings of this host, which go before those in the store. */
  readonly felix: FelixConfigurationSpec;
  /** Of settings in the store that cannot be read, and have not been before. */
  readonly assumed?: FelixConfigurationSpec;
  readonly log: Log;
}

function addressesOf({ spec }: Node): readonly Ip[] {
  return [spec?.bgp?.ipv4Address, spec?.bgp?.ipv6Address].flatMap((text) =>
    text === undefined ? [] : [parseCidr(text).address],
  );
}

function externalNodes({ externalNodesList = [] }: FelixSettings): readonly Cidr[] {
  return externalNodesList.flatMap((text) => tryParseCidrOrIp(text) ?? []).map(maskCidr);
}

export function createClusterState(context: ClusterStateContext): ClusterState {
  const { nodeName, routerId, felix, assumed = {}, log } = context;
  const nodes: InformerStore<Node> = createInformerStore(node, log);
  const pools: InformerStore<IPPool> = createInformerStore(ipPool, log);
  const bgpConfigurations: InformerStore<BGPConfiguration> = createInformerStore(bgpConfiguration, log);
  const peers: InformerStore<BGPPeer> = createInformerStore(bgpPeer, log);
  const filters: InformerStore<BGPFilter> = createInformerStore(bgpFilter, log);
  const felixConfigurations: InformerStore<FelixConfiguration> = createInformerStore(
    felixConfiguration,
    log,
    (unread, before) => recoverFelixConfiguration(unread, before, assumed),
  );
  const ownBlocks = createOwnBlocks(nodeName, log);
  const calculation = createRouteCalculation(nodeName);
  const readNode = createRoutingNodes();

  const stores = new Map<
    string,
    { readonly store: Pick<InformerStore<Resource>, 'set'>; readonly invalidation: Invalidation }
  >([
    ['Node', { store: nodes, invalidation: 'routing' }],
    ['IPPool', { store: pools, invalidation: 'pools' }],
    ['BGPConfiguration', { store: bgpConfigurations, invalidation: 'routing' }],
    ['BGPPeer', { store: peers, invalidation: 'routing' }],
    ['BGPFilter', { store: filters, invalidation: 'routing' }],
    ['FelixConfiguration', { store: felixConfigurations, invalidation: 'felix' }],
  ]);

  function settings(): FelixSettings {
    const own = nodes.all.get(nodeName);
    const labels = own && (own.metadata.labels ?? {});
    return { ...computeNodeSettings(felixConfigurations.all, { name: nodeName, labels }), ...felix };
  }

  function setResource(kind: string, name: string, text: string | undefined): Invalidation | undefined {
    const entry = stores.get(kind);
    entry?.store.set(name, text);
    if (kind === 'Node') setEnds(name, nodes.all.get(name));
    return entry?.invalidation;
  }

  function setEnds(name: string, one: Node | undefined): void {
    calculation.setNode(name, one && parseNodeEnds(one));
  }

  function setBlock(cidr: string, value: string | undefined): Invalidation {
    calculation.setBlock(cidr, value === undefined ? undefined : tryReadBlockHolders(cidr, value, log));
    return ownBlocks.setBlock(cidr, value) ? 'routing' : 'blocks';
  }

  const routingPools = (): readonly RoutingPool[] => pools.sorted().map(parseRoutingPool);

  function routeOwners(): RouteOwners {
    const [all, own] = [bgpConfigurations.all.get('default'), bgpConfigurations.all.get(`node.${nodeName}`)];
    return computeRouteOwners(settings().programClusterRoutes, programsOf(all, own));
  }

  function encryption(family: Family): HostEncryption {
    const ownSettings = settings();
    const ranges = isEncrypting(ownSettings, family) ? calculation.claims(family) : [];
    const resources = { nodeName, ownSettings, nodes: nodes.all, felixConfigurations: felixConfigurations.all, ranges };
    return computeHostEncryption(resources, family);
  }

  function routingNode(one: Node): RoutingNode {
    return readNode(one, bgpConfigurations.all.get(`node.${one.metadata.name}`));
  }

  function ownRouting(): OwnRouting | undefined {
    const one = nodes.all.get(nodeName);
    const [all, own] = [bgpConfigurations.all.get('default'), bgpConfigurations.all.get(`node.${nodeName}`)];
    return (
      one && {
        nodeName,
        nodes: [routingNode(one)],
        bgp: parseBgpSettings(all, own, routeOwners().birdMakesPlain),
        peers: peers
          .sorted()
          .map(tryParseBgpPeer)
          .filter((peer) => peer !== undefined),
      }
    );
  }

  return {
    update(key, value) {
      if (key.kind === 'resource') return setResource(key.resourceKind, key.name, value);
      if (key.kind === 'block') return setBlock(key.cidr, value);
      if (key.kind !== 'affinity' || key.owner.kind !== 'host' || key.owner.name !== nodeName) return undefined;
      ownBlocks.setAffinity(key.cidr, value);
      return 'routing';
    },
    ownRouting,
    routingInput() {
      const own = ownRouting();
      return (
        own && {
          ...own,
          nodes: nodes.sorted().map(routingNode),
          pools: routingPools(),
          ownBlocks: ownBlocks.sorted(),
          filters: filters.sorted().map(parseBgpFilter),
          encryptedPeers: ([4, 6] as const).flatMap(
            (family) => encryption(family).wanted?.encryption.peerAddresses ?? [],
          ),
          ...(routerId === undefined ? {} : { routerId }),
        }
      );
    },
    clusterRoutes: calculation.routes,
    settleRoutes() {
      calculation.setPools(routingPools());
      calculation.setSettings(computeRouteSettings(settings(), routeOwners()));
      calculation.setOwnBlocks(ownBlocks.sorted());
      return calculation.settle();
    },
    encryption,
    routeFaults() {
      const all = [...pools.all.values()].map(parseRoutingPool);
      const isAbout = (one: string) => all.some(({ encapsulation }) => encapsulation === one);
      return routeOwners().faults.flatMap(({ encapsulation, text }) => (isAbout(encapsulation) ? [text] : []));
    },
    externalNodes: () => externalNodes(settings()),
    routingPools,
    hosts4: () => [...nodes.all.values()].flatMap(addressesOf).filter(isIpv4),
    natPools: () =>
      pools.sorted().map(({ spec }) => ({
        cidr: parseCidr(spec.cidr),
        natOutgoing: spec.natOutgoing === true,
      })),
    natDirect() {
      if (!computeHostsAreDirect(settings())) return [];
      return [...[...nodes.all.values()].flatMap(addressesOf).map(hostCidr), ...externalNodes(settings())];
    },
    settings,
    usesIpv6: () =>
      nodes.all.get(nodeName)?.spec?.bgp?.ipv6Address !== undefined ||
      [...pools.all.values()].some(({ spec }) => cidrFamily(parseCidr(spec.cidr)) === 6),
  };
}
