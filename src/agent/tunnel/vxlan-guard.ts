// Whom this host takes encapsulated packets from, as the ways to other hosts say.
import type { VxlanGuard } from '../../firewall/tunnel/vxlan.ts';
import type { Cidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import type { ClusterRoutes } from '../../routing/cluster-routes.ts';

const FAMILIES = [4, 6] as const;

/** `externals`: ranges of hosts outside of the cluster. */
export function computeVxlanGuard(
  routes: ClusterRoutes,
  externals: readonly Cidr[],
): { readonly guard: VxlanGuard; readonly hosts: readonly Ip[] } {
  const families = FAMILIES.filter((family) => routes[family].vxlan !== undefined);
  const { port = 0 } = routes[4].vxlan ?? routes[6].vxlan ?? {};
  const isOn = families.length > 0;
  return {
    guard: { families, port, externals: isOn ? externals : [] },
    hosts: families.flatMap((family) => [...routes[family].peers.values()].map(({ underlay }) => underlay)),
  };
}
