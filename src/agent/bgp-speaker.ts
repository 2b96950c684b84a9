// This host as a speaker of BGP: BIRD, its configuration, passwords, the workloads that speak with it, and what it says of itself.
import { openBird } from '../bird/bird.ts';
import type { Datastore } from '../datastore/port.ts';
import { findHostRoot } from '../sys/host-root.ts';
import type { Log } from '../sys/log.ts';
import { openBgpPasswords } from './bgp/passwords.ts';
import { createWorkloadPeers } from './bgp/workload-peers.ts';
import type { NodeLease } from './node/node-lease.ts';
import type { ClusterState } from './state/cluster-state.ts';
import type { Dataplane } from './state/dataplane.ts';
import { createNodeStatusReporter } from './state/node-status.ts';
import { createRouter } from './state/router.ts';

/** On the host, whoever's root the agent has. */
const PASSWORDS_DIRECTORY = '/etc/calico/bgp-passwords';

export interface BgpContext {
  readonly nodeName: string;
  readonly datastore: Datastore;
  readonly nodeLease: NodeLease;
  readonly clusterState: ClusterState;
  readonly dataplane: Dataplane;
  /** False: this host speaks no BGP, and has no BIRD. */
  readonly hasBird: boolean;
  readonly runDirectory: string;
  readonly log: Log;
}

/** `closing` ends what is opened here; BIRD goes on. */
export function openBgpSpeaker(context: BgpContext, closing: AsyncDisposableStack) {
  const { nodeName, datastore, nodeLease, clusterState, dataplane, hasBird, runDirectory, log } = context;
  const bird = closing.adopt(openBird({ runDirectory, log: log.info }), (one) => one.release());
  const workloadPeers = createWorkloadPeers({
    observe: hasBird ? clusterState.ownRouting : () => undefined,
    dataplane,
    log,
  });
  const passwords = closing.adopt(
    openBgpPasswords(`${findHostRoot()}${PASSWORDS_DIRECTORY}`, () => router.touch()),
    (one) => one.close(),
  );
  const observeRouting = () => {
    const input = clusterState.routingInput();
    return input && passwords.fill({ ...input, workloads: workloadPeers.workloads() });
  };
  const router = closing.adopt(createRouter(bird, observeRouting, log), (one) => one.close());
  const birdSocket = hasBird ? bird.socketPath : undefined;
  const nodeStatuses = closing.adopt(
    createNodeStatusReporter({ nodeName, datastore, nodeLease, birdSocket, notes: router.notes, log }),
    (one) => one.close(),
  );
  return { bird, workloadPeers, nodeStatuses, touchRouting: hasBird ? router.touch : () => undefined };
}
