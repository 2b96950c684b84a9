// What the agent knows and does about it: follows the store from an empty cluster state on, until told to stop.

import type { CniMemory } from '../../attach/memory.ts';
import type { OcicatError } from '../../base/errors.ts';
import { printJson } from '../../base/json.ts';
import { AFFINITIES_PREFIX, BLOCKS_PREFIX, printKey, RESOURCES_PREFIX } from '../../datastore/keys.ts';
import type { Datastore } from '../../datastore/port.ts';
import { openSync, type SyncMessage } from '../../datastore/sync/sync.ts';
import type { FirewallConfig } from '../../firewall/config.ts';
import type { StoreUpdate } from '../../ipam/commit.ts';
import type { KernelFirewall } from '../../kernel/nftables/firewall.ts';
import type { FelixConfigurationSpec } from '../../model/felix/felix-configuration.ts';
import type { Ip } from '../../net/ip.ts';
import type { RoutingInput } from '../../routing/input.ts';
import { createGate } from '../../sys/gate.ts';
import type { Log } from '../../sys/log.ts';
import { createForwarding, type Forwarding } from '../node/forwarding.ts';
import { type ClusterState, createClusterState } from './cluster-state.ts';
import { createDataplane, type Dataplane } from './dataplane.ts';
import { createEventDispatcher, type EventDispatcher } from './event-dispatcher.ts';
import type { NodeStatusReporter } from './node-status.ts';
import { createWorkloads, type Workloads } from './workloads.ts';

const FOLLOWED = [RESOURCES_PREFIX, BLOCKS_PREFIX, AFFINITIES_PREFIX, printKey({ kind: 'ipam-config' })];

export interface SessionContext {
  readonly nodeName: string;
  readonly routerId: RoutingInput['routerId'];
  readonly felix: FelixConfigurationSpec;
  readonly base: FirewallConfig;
  readonly datastore: Datastore;
  /** For so long it may be ahead of what has come of it. */
  readonly stallMs: number;
  readonly firewall: KernelFirewall;
  readonly memory: CniMemory;
  /** Ends the flows of addresses that have come to stand for somebody else. */
  readonly flushFlows: (addresses: readonly Ip[]) => void;
  /** Something that BIRD's configuration follows from may have changed. */
  readonly touchRouting: () => void;
  /** Something has happened: this is no time to tidy up. */
  readonly touchIdle: () => void;
  /** The store has been read, or its pools have changed: pods that it does not know may be written back. */
  readonly touchHousekeeping: () => void;
  /** Somebody has deleted a key, in the store that we follow. */
  readonly deleted: (key: string) => void;
  /** Answers what is asked about this node. */
  readonly nodeStatuses: Pick<NodeStatusReporter, 'note'>;
  readonly log: Log;
}

export interface Session {
  readonly dataplane: Dataplane;
  readonly workloads: Workloads;
  readonly forwarding: Forwarding;
  readonly clusterState: ClusterState;
  /** Takes in what this agent itself has just written, so that it need not wait for the watch. */
  takeOwn(update: StoreUpdate): void;
  /** Brings the kernel to what is known, unless a part of a listing is still to come. */
  flush(): void;
  /** As flush, as soon as the listing is through. Throws `aborted`. */
  flushWhole(signal: AbortSignal): Promise<void>;
  /** Why the agent does not know what stands in the store now; undefined while it follows. */
  whyBehind(): string | undefined;
  /** Runs until aborted. */
  run(signal: AbortSignal): Promise<void>;
}

export function createSession(context: SessionContext): Session {
  const { nodeName, memory, log } = context;
  const dataplane = createDataplane(context.firewall, log, context.flushFlows);
  const clusterState = createClusterState(context);
  const workloads = createWorkloads(log);
  const forwarding = createForwarding(log);
  const events: EventDispatcher = createEventDispatcher({
    nodeName,
    dataplane,
    clusterState,
    workloads,
    nodeStatuses: context.nodeStatuses,
    log,
  });
  const listing = createGate();
  /** The configuration of the rules in the kernel, printed; undefined before the first ones are there. */
  let configuration: string | undefined;
  let isInSync = false;
  /** The store that is being read is another one: what it lacks was not deleted by anybody. */
  let isReplaced = false;
  let behind: OcicatError | undefined;

  function takeConfiguration(): void {
    const config = clusterState.firewallConfig();
    const printed = printJson(config);
    if (configuration === printed) return;
    configuration = printed;
    dataplane.setConfig(config);
    log.info('the configuration has changed; the rules are built by it');
  }

  function act(): void {
    const invalidations = events.takeInvalidations();
    if (invalidations.size > 0) forwarding.follow(clusterState.forwarding());
    if (invalidations.has('felix')) takeConfiguration();
    if (invalidations.has('pools')) dataplane.setPools(clusterState.natPools());
    if (invalidations.has('pools')) context.touchHousekeeping();
    if (invalidations.has('routing') || invalidations.has('pools')) context.touchRouting();
  }

  /** The first listing is through: from here on the kernel follows. */
  function start(): void {
    const config = clusterState.firewallConfig();
    configuration = printJson(config);
    act();
    dataplane.start(config);
    workloads.restoreSettings();
    workloads.restoreRoutes();
  }

  function flush(): void {
    if (!listing.isOpen()) return;
    act();
    dataplane.flush();
  }

  function follow(): void {
    if (!listing.isOpen()) return;
    flush();
    workloads.followSettings();
  }

  /** A link whose endpoint the store knows again gets its routes back. */
  function restore(): void {
    follow();
    workloads.restoreRoutes();
  }

  /** Half of a listing says nothing about the whole: its other half may hold what denies. */
  function takeUpdates(updates: readonly StoreUpdate[]): void {
    context.touchIdle();
    if (!isInSync) listing.shut();
    for (const update of updates) {
      memory.apply(update);
      events.dispatch(update);
      if (update.value === undefined && !isReplaced) context.deleted(update.key);
    }
    follow();
  }

  function takeInSync(): void {
    isInSync = true;
    isReplaced = false;
    if (behind?.code !== 'timeout') behind = undefined;
    listing.open();
    if (configuration === undefined) start();
    else restore();
    memory.setInSync(true);
    context.touchHousekeeping();
    log.info('in step with the datastore');
  }

  function takeDisconnected(error: OcicatError): void {
    isInSync = false;
    behind = error;
    if (error.code === 'timeout') log.error('the datastore is not followed; it is read again', error);
    else log.warn('the datastore does not answer; everything stays as it is until it does', error);
  }

  function takeReplaced(): void {
    isReplaced = true;
    listing.shut();
    events.forgetRevisions();
    memory.setInSync(false);
    log.warn('the datastore is another one than before, or an earlier state of it; all of it is read again');
  }

  function takeProgress(): void {
    if (behind !== undefined) log.info('the datastore is followed again');
    behind = undefined;
  }

  function take(message: SyncMessage): void {
    if (message.kind === 'updates') takeUpdates(message.updates);
    else if (message.kind === 'in-sync') takeInSync();
    else if (message.kind === 'progress') takeProgress();
    else if (message.kind === 'disconnected') takeDisconnected(message.error);
    else takeReplaced();
  }

  return {
    dataplane,
    workloads,
    forwarding,
    clusterState,
    takeOwn(update) {
      context.touchIdle();
      events.dispatch(update);
    },
    flush,
    async flushWhole(signal) {
      await listing.untilOpen(signal);
      flush();
    },
    whyBehind: () => behind?.message,
    async run(signal) {
      for await (const message of openSync(context.datastore, FOLLOWED, signal, context.stallMs)) take(message);
    },
  };
}
