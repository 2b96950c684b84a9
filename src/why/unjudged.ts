// What a walk leaves out: policies of host endpoints about packets that their hosts forward. Which interfaces such a packet passes
// is in no store, so that they are named, and not asked.
import { PHASES } from '../policy/oracle/host-verdict.ts';
import type { Packet } from '../policy/oracle/packet.ts';
import type { PolicySnapshot } from '../policy/oracle/snapshot.ts';
import type { PolicyPhase } from '../policy/types/input.ts';
import { DIRECTIONS } from '../policy/types/types.ts';
import type { Cluster } from './cluster.ts';
import type { Flow } from './flow.ts';
import type { Path } from './hosts.ts';
import type { End } from './resolve.ts';
import { walkTiers } from './walk.ts';

const PHASES_OF_FORWARDED: readonly PolicyPhase[] = ['untracked', 'pre-dnat', 'forward'];

function hasPolicies(id: string, packet: Packet, snapshot: PolicySnapshot): boolean {
  const endpoint = snapshot.endpoints.get(id);
  if (endpoint === undefined) return false;
  return PHASES_OF_FORWARDED.some((phase) =>
    DIRECTIONS.some((direction) => {
      const scope = { phases: PHASES[phase], passesOn: phase !== 'forward' };
      return walkTiers(direction, endpoint, packet, snapshot, scope).length > 0;
    }),
  );
}

/** Ids of the host endpoints, of the hosts of both workloads, that have policies of what is forwarded. */
export function findUnjudged({ packet, source, destination }: Flow, path: Path, cluster: Cluster): readonly string[] {
  if (path !== 'forward') return [];
  const { snapshot, workloads, hosts } = cluster;
  const nodeOf = ({ endpoint = '' }: End) => workloads.get(endpoint)?.node;
  const nodes = new Set([source, destination].map(nodeOf).filter((node) => node !== undefined));
  const isOnOneHost = nodeOf(source) === nodeOf(destination);
  return [...nodes]
    .flatMap((node) => hosts.get(node)?.endpoints ?? [])
    .filter((id) => !isOnOneHost || snapshot.endpoints.get(id)?.host?.interfaceName === '*')
    .filter((id) => hasPolicies(id, packet, snapshot));
}
