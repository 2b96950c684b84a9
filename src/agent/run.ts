// An agent from the first fail-closed rule to its end: what is started, in order, and what each gets.

import { createAttacher } from '../attach/attacher.ts';
import type { AttachContext } from '../attach/context.ts';
import { type NodeCache, openNodeCache } from '../attach/endpoint/node-cache.ts';
import { forgetDeleted } from '../attach/write-back.ts';
import { openCniServer } from '../cni/server/server.ts';
import { type DatastoreConfig, PRIVATE_ETCD_DIRECTORY } from '../datastore/open/config.ts';
import { openDatastore } from '../datastore/open/open.ts';
import { openDockerServer } from '../docker/server/server.ts';
import { observeOwnAddress } from '../kernel/link/own-address.ts';
import { openFlowFlusher } from '../kernel/worker/flow-flusher.ts';
import { openLinkRemover } from '../kernel/worker/link-remover.ts';
import { parseIp } from '../net/ip.ts';
import { openNetavarkServer } from '../netavark/server/server.ts';
import type { RoutingInput } from '../routing/input.ts';
import { findHostRoot } from '../sys/host-root.ts';
import { type LeveledLog, openLog } from '../sys/log.ts';
import { releaseProgramPages } from '../sys/memory.ts';
import { warmThreadPool } from '../sys/netns.ts';
import { removeTemporaries } from '../sys/replace-file.ts';
import { openBaseFirewall } from './base-firewall.ts';
import { openBgpSpeaker } from './bgp-speaker.ts';
import { type FelixOverrides, parseFelixOverrides } from './config/felix-overrides.ts';
import { computeLogLevel } from './config/felix-settings.ts';
import type { AgentSettings } from './config/settings.ts';
import { assumeEncryption } from './encryption/key-files.ts';
import { joinCluster } from './join-cluster.ts';
import { LEASE_GRACE_MS } from './node/claim.ts';
import { createForwarding } from './node/forwarding.ts';
import { followHostAddresses } from './node/host-addresses.ts';
import { observeHost } from './node/host-identity.ts';
import { reportHostPrograms } from './node/host-programs.ts';
import { observeNodeName, tryReadFelixConfig } from './node/node-files.ts';
import { findListener } from './node/port-listeners.ts';
import { createPolicyApplied } from './policy-applied.ts';
import { openPrivateEtcd } from './private-etcd.ts';
import { createResolver } from './resolver/resolver.ts';
import { createClusterState } from './state/cluster-state.ts';
import { createDataplane } from './state/dataplane.ts';
import { createFlowFlushQueue, createPortFlush } from './state/flow-flush-queue.ts';
import { createHostEndpoints } from './state/host-endpoints.ts';
import { createSession, type Session } from './state/session.ts';
import { createSettingsConsumers } from './state/settings-consumers.ts';
import { createStatusReporter } from './state/status-reporter.ts';
import { createWorkloads } from './state/workloads.ts';
import { createStatusFile } from './status-file.ts';
import { openUnderlay } from './underlay.ts';
import { startHousekeeping } from './upkeep/housekeeping.ts';
import { createIdleTimer } from './upkeep/idle-timer.ts';
import { watchOtherFirewalls } from './upkeep/other-firewalls.ts';
import { followPacketLog } from './upkeep/packet-log.ts';
import { createPodMacs } from './upkeep/pod-macs.ts';
import { runReconciler } from './upkeep/reconciler.ts';
import { createRefresher } from './upkeep/refresh.ts';
import { watchThreads } from './upkeep/threads.ts';
import { createWorkloadLinks, observeRunningLinks } from './workload-links.ts';

const RUN_DIRECTORY = '/var/run/calico';
const LIBRARY_DIRECTORY = '/var/lib/calico';
const ENDPOINT_FOLDER = `${LIBRARY_DIRECTORY}/endpoints`;
const PENDING_FOLDER = `${LIBRARY_DIRECTORY}/pending`;
const TEARDOWN_FOLDER = `${LIBRARY_DIRECTORY}/teardowns`;
/** The agent alone writes in them. */
const OWN_FOLDERS = [RUN_DIRECTORY, LIBRARY_DIRECTORY, ENDPOINT_FOLDER, PENDING_FOLDER, TEARDOWN_FOLDER];
/** When memory is returned to the kernel: after work, while there is none, and while it does not end. */
const IDLE_TIMES = { idleMs: 3_000, againMs: 5_000, busyMs: 30_000 };

type Environment = Readonly<Record<string, string | undefined>>;

function routerIdOf({ routerId }: AgentSettings): RoutingInput['routerId'] {
  if (routerId === undefined || routerId === 'hash') return routerId;
  const address = parseIp(routerId);
  return typeof address === 'number' ? address : undefined;
}

/** Garbage goes once after a burst of work, or in the middle of a long one; pages of the program come back little by little, and go again. */
function releaseMemory(turn: 'first' | 'again'): void {
  if (turn === 'first') Bun.gc(true);
  releaseProgramPages();
}

/** What this host says for itself holds from the first line of the log on. */
function readFelixOverrides(settings: AgentSettings, environment: Environment, log: LeveledLog): FelixOverrides {
  const felix = parseFelixOverrides(environment, tryReadFelixConfig(settings));
  log.setLevel(computeLogLevel(felix.spec));
  if (felix.idle.length > 0) log.warn(`Felix settings that have no effect here: ${felix.idle.join(', ')}`);
  return felix;
}

/** A machine without a cluster has its own etcd, which is started before. */
async function openStore(config: DatastoreConfig, log: LeveledLog, closing: AsyncDisposableStack, signal: AbortSignal) {
  const directories = { dataDirectory: `${LIBRARY_DIRECTORY}/etcd`, runDirectory: PRIVATE_ETCD_DIRECTORY };
  const isPrivate = config.servers.kind === 'private';
  const etcd = isPrivate ? await openPrivateEtcd({ ...directories, log: log.info }, signal) : undefined;
  closing.defer(async () => etcd?.close());
  return closing.adopt(await openDatastore(config, signal), (datastore) => datastore.close());
}

/** Own writes are taken in at once, and not when the watch brings them. */
function withOwnWrites(cache: NodeCache, session: Session): NodeCache {
  return {
    ...cache,
    apply(update) {
      cache.apply(update);
      session.takeOwn(update);
    },
  };
}

export interface AgentOptions {
  readonly settings: AgentSettings;
  readonly config: DatastoreConfig;
  readonly environment: Environment;
  /** Called whenever all of the store has been read, from which on calls are answered. */
  readonly ready: () => void;
}

/** `closing` ends all that was opened, the last first. */
async function run(options: AgentOptions, closing: AsyncDisposableStack, signal: AbortSignal): Promise<void> {
  const { settings, config, environment } = options;
  const log = openLog();
  closing.defer(() => log.info('ended; the data plane stays as it is'));
  const nodeName = observeNodeName(settings);
  for (const folder of OWN_FOLDERS) removeTemporaries(folder);
  const felix = readFelixOverrides(settings, environment, log);
  await warmThreadPool();

  const { firewall, base } = closing.adopt(openBaseFirewall(settings, log), (one) => one.close());
  reportHostPrograms(settings, config, log);
  const datastore = await openStore(config, log, closing, signal);
  const remover = closing.adopt(openLinkRemover(), (one) => one.close());
  const flusher = closing.adopt(openFlowFlusher(), (one) => one.close());
  const idleTimer = closing.adopt(createIdleTimer(IDLE_TIMES, releaseMemory), (one) => one.close());

  const own = observeHost(LIBRARY_DIRECTORY, Date.now(), log);
  const claimant = { datastore, node: nodeName, own, takeOver: settings.takeOver, graceMs: LEASE_GRACE_MS, log };
  const nodeLease = closing.adopt(await joinCluster(claimant, settings, signal), (one) => one.release());

  const nodeCache = openNodeCache(datastore, nodeName);
  const assumed = assumeEncryption(LIBRARY_DIRECTORY);
  const clusterState = createClusterState({
    ...{ nodeName, routerId: routerIdOf(settings), felix: felix.spec, assumed, log },
  });
  const forget = createFlowFlushQueue(flusher, log);
  const publishRefused = createStatusFile(`${RUN_DIRECTORY}/refused-endpoints`, log);
  const forgetPorts = createPortFlush(flusher, log);
  const dataplane = closing.adopt(
    createDataplane({ kernel: firewall, log, forget, forgetPorts, publishRefused }),
    (one) => one.close(),
  );
  const workloads = createWorkloads(log);
  const forwarding = createForwarding(log);
  const host = { nodeName, datastore, nodeLease, clusterState, dataplane, runDirectory: RUN_DIRECTORY, log };
  const underlay = openUnderlay({ ...host, cache: nodeCache, libraryDirectory: LIBRARY_DIRECTORY }, closing, signal);
  const { hostPaths, hostMtu, encryption, tunnelSupport, tunnelAddresses } = underlay;
  const hasBird = settings.backend === 'bird';
  const speaker = openBgpSpeaker({ ...host, hasBird }, closing);
  const refresher = closing.adopt(createRefresher({ dataplane, workloads, hostPaths, log }), (one) => one.close());
  const hostEndpoints = createHostEndpoints({ dataplane, log });
  const reporter = closing.adopt(
    createStatusReporter({
      ...{ nodeName, datastore, log, runningLinks: observeRunningLinks, hostEndpoints: hostEndpoints.statuses },
      endpoints: () => (nodeCache.isInSync() ? nodeCache.endpoints().map(({ endpoint }) => endpoint) : undefined),
    }),
    (one) => one.close(),
  );
  const targets = { base, dataplane, workloads, hostMtu, refresher, reporter, forwarding, log };
  const settingsConsumers = createSettingsConsumers(targets);
  const resolver = closing.adopt(createResolver({ nodeName, root: findHostRoot(), log }), (one) => one.close());
  const session = createSession({
    ...{ nodeName, datastore, stallMs: settings.stallMs, cache: nodeCache, clusterState, settingsConsumers },
    ...{ dataplane, workloads, hostEndpoints, resolver, forwarding, touchIdle: idleTimer.touch, log },
    ...{ hostPaths, routeFaults: underlay.routeFaults, encryption, hostMtu },
    ...{ workloadPeers: speaker.workloadPeers, nodeStatuses: speaker.nodeStatuses, touchRouting: speaker.touchRouting },
    touchTunnelAddresses: tunnelAddresses.touch,
    deleted: (key) => forgetDeleted({ cache: nodeCache, endpointFolder: ENDPOINT_FOLDER, log }, key),
  });

  const cache = withOwnWrites(nodeCache, session);
  const policyApplied = createPolicyApplied(session, dataplane);
  const podMacs = createPodMacs({ datastore, cache, nodeLease, policyApplied, log }, signal);
  const links = createWorkloadLinks(remover, flusher, podMacs);
  const attach: AttachContext = {
    ...{ nodeName, datastore, cache, links, policyApplied, nodeLease, boot: own.boot, log },
    endpointFolder: ENDPOINT_FOLDER,
    endpointGone: () => session.flush(),
    whyBehind: session.whyBehind,
    whyCutOff: encryption.whyNot,
    mtuBytes: hostMtu.of,
    unmadeTunnels: tunnelSupport.unmade,
    isOwnAddress: observeOwnAddress,
    findListener,
    now: Date.now,
  };
  const attacher = createAttacher(attach);
  const cniContext = { attacher, nodeName, pendingFolder: PENDING_FOLDER, log };
  const cni = closing.adopt(await openCniServer(cniContext), (one) => one.close());
  const netavarkContext = { attacher, teardownFolder: TEARDOWN_FOLDER, log };
  const netavark = closing.adopt(await openNetavarkServer(netavarkContext), (one) => one.close());
  const dockerContext = { attacher, attach, folder: `${LIBRARY_DIRECTORY}/docker`, log };
  const docker = closing.adopt(openDockerServer(dockerContext), (one) => one.close());

  followPacketLog(base.logGroup, log, signal);
  const otherFirewalls = watchOtherFirewalls(log, signal);
  const hostAddresses = followHostAddresses({ datastore, settings, node: nodeName, log }, signal);
  const touchHost = () => {
    for (const follower of [hostEndpoints, hostMtu, hostAddresses, encryption, speaker.workloadPeers, resolver])
      follower.touch();
  };
  const housekeeping = startHousekeeping(
    { workloads, hostPaths, podMacs, attacher, clients: [cni.protocol, netavark.protocol, docker] },
    attach,
    signal,
  );
  session.onRead(housekeeping.touch);
  session.onRead(resolver.start);
  session.onRead(tunnelAddresses.touch);
  session.onRead(hostMtu.touch);
  session.onRead(tunnelSupport.unmade);
  session.onRead(options.ready);
  watchThreads(log, signal);
  const reconciled = {
    dataplane,
    workloads,
    hostPaths,
    forwarding,
    otherFirewalls,
    touchHost,
    bird: speaker.bird,
    log,
  };
  await Promise.race([runReconciler(reconciled, signal), session.run(signal), nodeLease.keep(signal)]);
}

/** Runs until aborted. Throws when it cannot start; what it has put in the kernel stays in every case. */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const closing = new AsyncDisposableStack();
  try {
    await run(options, closing, signal);
  } finally {
    await closing.disposeAsync();
  }
}
