// Whom this host takes encapsulated packets from, as the ways to other hosts say.
import type { VxlanEnd, VxlanGuard } from '../../firewall/tunnel/vxlan.ts';
import type { Cidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import { type ClusterRoutes, VXLAN_LINKS } from '../../routing/cluster-routes.ts';

const FAMILIES = [4, 6] as const;

/** `externals`: ranges of hosts outside of the cluster. */
export function computeVxlanGuard(
  routes: ClusterRoutes,
  externals: readonly Cidr[],
): { readonly guard: VxlanGuard; readonly hosts: readonly Ip[] } {
  const ends = FAMILIES.flatMap((family): readonly VxlanEnd[] => {
    const { address } = routes[family].vxlan ?? {};
    return address === undefined ? [] : [{ family, interfaceName: VXLAN_LINKS[family], address }];
  });
  const { port = 0 } = routes[4].vxlan ?? routes[6].vxlan ?? {};
  return {
    guard: { ends, port, externals: ends.length === 0 ? [] : externals },
    hosts: ends.flatMap(({ family }) => [...routes[family].peers.values()].map(({ underlay }) => underlay)),
  };
}
