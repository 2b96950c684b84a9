// What leads from this host to the others: tunnels and their addresses, routes, encryption, and how much fits on the way.
import { addressesOf, linkOf } from '../attach/endpoint/endpoint.ts';
import type { NodeCache } from '../attach/endpoint/node-cache.ts';
import type { Datastore } from '../datastore/port.ts';
import { openPaths } from '../kernel/reconcile/paths.ts';
import type { Log } from '../sys/log.ts';
import { openHostEncryptions } from './encryption/host-encryption.ts';
import { followHostMtu, type MtuLink } from './node/host-mtu.ts';
import type { NodeLease } from './node/node-lease.ts';
import type { ClusterState } from './state/cluster-state.ts';
import type { Dataplane } from './state/dataplane.ts';
import { createStatusFile } from './status-file.ts';
import { createHostPaths } from './tunnel/host-paths.ts';
import { createRouteFaults } from './tunnel/route-faults.ts';
import { followTunnelAddresses } from './tunnel/tunnel-addresses.ts';
import { createTunnelSupport } from './tunnel/tunnel-support.ts';

export interface UnderlayContext {
  readonly nodeName: string;
  readonly datastore: Datastore;
  readonly cache: NodeCache;
  readonly nodeLease: NodeLease;
  readonly clusterState: ClusterState;
  readonly dataplane: Dataplane;
  /** Where what others on this host may read is written. */
  readonly runDirectory: string;
  /** Where keys are kept. */
  readonly libraryDirectory: string;
  readonly log: Log;
}

/** Of the workloads of this node; undefined while the store has not been read. */
function linksOf(cache: NodeCache): readonly MtuLink[] | undefined {
  if (!cache.isInSync()) return undefined;
  return cache.endpoints().map(({ endpoint }) => ({ ...linkOf(endpoint), addresses: addressesOf(endpoint) }));
}

/** `closing` ends what is opened here; what follows the host ends with the signal. */
export function openUnderlay(context: UnderlayContext, closing: AsyncDisposableStack, signal: AbortSignal) {
  const { nodeName, datastore, cache, nodeLease, clusterState, dataplane, runDirectory, libraryDirectory, log } =
    context;
  const publisherOf = (name: string) => createStatusFile(`${runDirectory}/${name}`, log);

  const tunnelSupport = createTunnelSupport({ pools: cache.ipam.pools, log });
  const paths = closing.adopt(openPaths(), (one) => one.close());
  const hostPaths = createHostPaths({ paths, routes: clusterState.clusterRoutes, support: tunnelSupport, log });
  const routeFaults = createRouteFaults(publisherOf('route-faults'), log);
  const encryption = closing.adopt(
    openHostEncryptions({
      ...{ nodeName, datastore, cache, nodeLease, directory: libraryDirectory, log },
      ...{ compute: clusterState.encryption, setGuarded: dataplane.setGuarded, setPaths: hostPaths.setOthers },
      mtuBytes: (family) => hostMtu.encrypted(family),
    }),
    (one) => one.close(),
  );
  const hostMtu = followHostMtu(
    {
      links: () => linksOf(cache),
      changed: encryption.touch,
      unmade: tunnelSupport.unmade,
      publish: publisherOf('mtu-of-pools'),
      log,
    },
    signal,
  );
  const encryptsHosts = () => clusterState.settings().wireguardHostEncryptionEnabled === true;
  const tunnelAddresses = followTunnelAddresses(
    { nodeName, datastore, cache, nodeLease, encryptsHosts, log, now: Date.now },
    signal,
  );
  return { tunnelSupport, hostPaths, routeFaults, encryption, hostMtu, tunnelAddresses };
}
