// Where packets go that are to be encrypted, as the kernel is asked for it: a table of its own, which all packets but those of the
// device itself look their way up in before the main one.
import {
  type DesiredPath,
  type DesiredWay,
  NO_PATHS,
  type PathState,
  pathKey,
} from '../../kernel/reconcile/path-state.ts';
import type { Family } from '../../net/ip.ts';
import { type EncryptedRoute, WIREGUARD_MARK } from '../../routing/wireguard/calculation.ts';
import type { HostEncryption } from '../../routing/wireguard/cluster.ts';

/** A range that is not encrypted is looked for in the main table, as if this one had nothing. */
function wayOf({ way }: EncryptedRoute, interfaceName: string): DesiredWay {
  if (way === 'nowhere') return { kind: 'blackhole' };
  return way === 'plain' ? { kind: 'throw' } : { kind: 'link', link: { kind: 'name', name: interfaceName } };
}

export function computeEncryptionPaths({ wanted }: HostEncryption, family: Family): PathState {
  if (wanted === undefined) return NO_PATHS;
  const { settings, encryption } = wanted;
  const { table, rulePriority: priority, interfaceName } = settings;
  const routes = encryption.routes.map((route): DesiredPath => {
    const { destination } = route;
    return { destination, table, way: wayOf(route, interfaceName) };
  });
  return {
    tunnels: new Map(),
    routes: new Map(routes.map((route) => [pathKey(route), route])),
    rules: [{ family, mark: WIREGUARD_MARK, mask: WIREGUARD_MARK, isInverted: true, table, priority }],
  };
}
