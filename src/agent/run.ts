// The agent's life from the first fail-closed rule to its end.

import { createAttacher } from '../attach/attacher.ts';
import type { AttachContext } from '../attach/context.ts';
import { openCniMemory } from '../attach/memory.ts';
import { forgetDeleted } from '../attach/write-back.ts';
import { isOcicatError } from '../base/errors.ts';
import { openBird } from '../bird/bird.ts';
import { openCniServer } from '../cni/server/server.ts';
import { type DatastoreConfig, PRIVATE_ETCD_DIRECTORY } from '../datastore/open/config.ts';
import { openDatastore } from '../datastore/open/open.ts';
import { initialiseDatastore } from '../datastore/resource/initialise.ts';
import { defaultFirewallConfig, type FirewallConfig } from '../firewall/config.ts';
import {
  checkWorkloadLink,
  createWorkloadLink,
  isForeignLink,
  observeWorkloadLinks,
  raiseWorkloadLink,
} from '../kernel/link/workload-link.ts';
import { type KernelFirewall, openKernelFirewall } from '../kernel/nftables/firewall.ts';
import {
  AGENT_HOLDER,
  endHolders,
  keepHolder,
  type TableHolder,
  tryTakeHeldSocket,
} from '../kernel/nftables/table-holder.ts';
import { observeTableOwnership } from '../kernel/nftables/table-ownership.ts';
import { openFlowFlusher } from '../kernel/worker/flow-flusher.ts';
import { openLinkRemover } from '../kernel/worker/link-remover.ts';
import { parseIp } from '../net/ip.ts';
import type { RoutingInput } from '../routing/input.ts';
import { type Log, openLog } from '../sys/log.ts';
import { releaseProgramPages } from '../sys/memory.ts';
import { warmThreadPool } from '../sys/netns.ts';
import { tryReadSysctl } from '../sys/sysctl.ts';
import { parseFelixOverrides } from './config/felix-overrides.ts';
import type { AgentSettings } from './config/settings.ts';
import { type Claimant, claimNode, PATIENCE_MS } from './node/claim.ts';
import { followHostAddresses } from './node/host-addresses.ts';
import { observeHost } from './node/host-identity.ts';
import { followHostMtu } from './node/host-mtu.ts';
import { reportHostPrograms } from './node/host-programs.ts';
import { keepNodeName, observeNodeName, tryReadFelixConfig } from './node/node-files.ts';
import { type NodeLease, openNodeLease } from './node/node-lease.ts';
import { ensureDefaults, isRegistered, registerNode } from './node/register.ts';
import { openPrivateEtcd } from './private-etcd.ts';
import { createFlowFlushQueue } from './state/flow-flush-queue.ts';
import { createNodeStatusReporter } from './state/node-status.ts';
import { createRouter } from './state/router.ts';
import { createSession } from './state/session.ts';
import { type Housekeeping, startHousekeeping } from './upkeep/housekeeping.ts';
import { createIdleTimer } from './upkeep/idle-timer.ts';
import { watchOtherFirewalls } from './upkeep/other-firewalls.ts';
import { chooseLogGroup, followPacketLog } from './upkeep/packet-log.ts';
import { createPodMacs, type PodMacs } from './upkeep/pod-macs.ts';
import { runReconciler } from './upkeep/reconciler.ts';
import { watchThreads } from './upkeep/threads.ts';

const RUN_DIRECTORY = '/var/run/calico';
const LIBRARY_DIRECTORY = '/var/lib/calico';
const RETRY_MS = 1_000;
/** When memory is given back: after work, while there is none, and while it does not end. */
const IDLE_TIMES = { idleMs: 3_000, againMs: 5_000, busyMs: 30_000 };

type Environment = Readonly<Record<string, string | undefined>>;

/** Repeats while the datastore does not answer: the agent is often started before it. */
async function untilAnswered<T>(what: string, log: Log, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isOcicatError(error, 'unavailable', 'timeout', 'conflict') || signal.aborted) throw error;
      log.warn(`${what}: trying again in ${RETRY_MS / 1000} s`, error);
      await Bun.sleep(RETRY_MS);
    }
  }
}

/** Whether nobody but the agent can change its table; where the kernel does not offer that, it is put right afterwards. */
function ownsTables(log: Log): boolean {
  const offered = observeTableOwnership();
  if (!offered) log.warn('this kernel lets any process of root change the rules (it takes Linux 6.9 to keep them out)');
  return offered;
}

interface HeldFirewall {
  readonly firewall: KernelFirewall;
  readonly holder: TableHolder | undefined;
}

/** The table goes from agent to agent with its socket: there is no moment in which somebody else could change it. */
function openFirewall(owned: boolean, log: Log): HeldFirewall {
  if (!owned) endHolders(AGENT_HOLDER);
  const firewall = openKernelFirewall(owned, owned ? tryTakeHeldSocket(AGENT_HOLDER) : undefined);
  const failed = (error: unknown) => log.error('hold the table of rules while no agent lives', error);
  return { firewall, holder: owned ? keepHolder(firewall.fd, failed) : undefined };
}

/** A quarter of what the machine remembers at most, whatever that is: one workload must leave room for others. */
function computeBaseConfig({ maxFlows }: AgentSettings): FirewallConfig {
  const all = Number(tryReadSysctl('net/netfilter/nf_conntrack_max') ?? Infinity);
  const usual = Math.max(1, Math.min(defaultFirewallConfig.maxFlows, Math.floor(all / 4)));
  const logGroup = chooseLogGroup();
  return { ...defaultFirewallConfig, maxFlows: maxFlows ?? usual, ...(logGroup === undefined ? {} : { logGroup }) };
}

function loadBase(firewall: KernelFirewall, config: FirewallConfig, log: Log): void {
  const base = firewall.loadBase(config);
  if (base.kind === 'kept') log.info('rules of another version stay in force until the datastore has been read');
}

async function registerAll({ datastore, node, log }: Claimant, settings: AgentSettings, signal: AbortSignal) {
  await registerNode(datastore, settings, node, signal);
  await ensureDefaults(datastore, settings, node, log, signal);
}

/** A store that does not know the node was emptied, or restored from before it was there: it is filled as at the start. */
async function registerAgain(claimant: Claimant, settings: AgentSettings, signal: AbortSignal): Promise<void> {
  const { datastore, node, log } = claimant;
  try {
    await untilAnswered('register with the datastore again', log, signal, async () => {
      if (await isRegistered(datastore, node, signal)) return;
      await initialiseDatastore(datastore, signal);
      await registerAll(claimant, settings, signal);
    });
  } catch (error) {
    if (!signal.aborted) log.error('register with the datastore again', error);
  }
}

/** The name first: what is written under it must not be another host's. */
async function register(claimant: Claimant, settings: AgentSettings, signal: AbortSignal): Promise<NodeLease> {
  const { datastore, node, log } = claimant;
  const claim = await untilAnswered('take the name of the node', log, signal, async () => {
    await initialiseDatastore(datastore, signal);
    return claimNode(claimant, signal);
  });
  await untilAnswered('register with the datastore', log, signal, () => registerAll(claimant, settings, signal));
  keepNodeName(settings, node, log);
  return openNodeLease(claimant, claim, (ended) => registerAgain(claimant, settings, ended));
}

function routerIdOf(settings: AgentSettings): RoutingInput['routerId'] {
  if (settings.routerId === undefined || settings.routerId === 'hash') return settings.routerId;
  const address = parseIp(settings.routerId);
  return typeof address === 'number' ? address : undefined;
}

/** Garbage goes once after a burst of work, or in the middle of a long one; pages of the program come back little by little, and go again. */
function releaseMemory(turn: 'first' | 'again'): void {
  if (turn === 'first') Bun.gc(true);
  releaseProgramPages();
}

/** Runs until aborted. Throws when it cannot start; what it has put in the kernel stays in every case. */
export async function runAgent(
  settings: AgentSettings,
  config: DatastoreConfig,
  environment: Environment,
  signal: AbortSignal,
): Promise<void> {
  const log = openLog();
  const nodeName = observeNodeName(settings);
  const felix = parseFelixOverrides(environment, tryReadFelixConfig(settings));
  if (felix.idle.length > 0) log.warn(`Felix settings that have no effect here: ${felix.idle.join(', ')}`);
  await warmThreadPool();
  const { firewall, holder } = openFirewall(settings.ownTable && ownsTables(log), log);
  const base = computeBaseConfig(settings);
  loadBase(firewall, base, log);
  reportHostPrograms(settings, config, log);
  const etcd =
    config.servers.kind === 'private'
      ? await openPrivateEtcd(
          {
            dataDirectory: `${LIBRARY_DIRECTORY}/etcd`,
            runDirectory: PRIVATE_ETCD_DIRECTORY,
            log: (line) => log.info(line),
          },
          signal,
        )
      : undefined;
  const datastore = await openDatastore(config, signal);
  const bird = openBird({ runDirectory: RUN_DIRECTORY, log: (line) => log.info(line) });
  const remover = openLinkRemover();
  const idleTimer = createIdleTimer(IDLE_TIMES, releaseMemory);
  const flusher = openFlowFlusher();
  const own = observeHost(LIBRARY_DIRECTORY, Date.now(), log);
  const claimant = { datastore, node: nodeName, own, takeOver: settings.takeOver, patienceMs: PATIENCE_MS, log };
  let nodeLease: NodeLease | undefined;
  try {
    const held = await register(claimant, settings, signal);
    nodeLease = held;
    const memory = openCniMemory(datastore, nodeName);
    const router = createRouter(bird, () => session.clusterState.routingInput(), log);
    const hasBird = settings.backend === 'bird';
    const birdSocket = hasBird ? bird.socketPath : undefined;
    const { notes } = router;
    const nodeStatuses = createNodeStatusReporter({ nodeName, datastore, nodeLease: held, birdSocket, notes, log });
    const touchRouting = hasBird ? router.touch : () => undefined;
    const touchIdle = idleTimer.touch;
    const endpointFolder = `${LIBRARY_DIRECTORY}/endpoints`;
    const context = {
      nodeName,
      routerId: routerIdOf(settings),
      felix: felix.spec,
      base,
      datastore,
      stallMs: settings.stallMs,
      firewall,
      memory,
      flushFlows: createFlowFlushQueue(flusher, log),
      touchRouting,
      touchIdle,
      touchHousekeeping: () => housekeeping?.touch(),
      deleted: (key: string) => forgetDeleted({ memory, endpointFolder, log }, key),
      nodeStatuses,
      log,
    };
    let housekeeping: Housekeeping | undefined;
    let podMacs: PodMacs | undefined;
    const hostMtu = followHostMtu(log, signal);
    const session = createSession(context);
    const attach: AttachContext = {
      nodeName,
      datastore,
      memory: {
        ...memory,
        apply(update) {
          memory.apply(update);
          session.takeOwn(update);
        },
      },
      links: {
        create: createWorkloadLink,
        isForeign: isForeignLink,
        raise(link) {
          raiseWorkloadLink(link);
          podMacs?.watch(link);
        },
        follow: async (hostName) => podMacs?.follow(hostName),
        check: checkWorkloadLink,
        observe: observeWorkloadLinks,
        remove: remover.remove,
        settled: remover.settled,
        endFlows: flusher.flush,
      },
      policyApplied: (_endpoint, _modRevision, callSignal) => session.flushWhole(callSignal),
      endpointGone: () => session.flush(),
      whyBehind: session.whyBehind,
      nodeLease: held,
      boot: own.boot,
      mtuBytes: hostMtu.current,
      endpointFolder,
      now: Date.now,
      log,
    };
    podMacs = createPodMacs(attach, signal);
    const attacher = createAttacher(attach);
    const server = await openCniServer({ attacher, nodeName, pendingFolder: `${LIBRARY_DIRECTORY}/pending`, log });
    const { dataplane, workloads, forwarding } = session;
    followPacketLog(base.logGroup, log, signal);
    const otherFirewalls = watchOtherFirewalls(log, signal);
    const hostAddresses = followHostAddresses({ datastore, settings, node: nodeName, log }, signal);
    const touchHost = () => {
      for (const follower of [hostMtu, hostAddresses]) follower.touch();
    };
    const reconciler = runReconciler(
      { dataplane, workloads, forwarding, otherFirewalls, touchHost, bird, log },
      signal,
    );
    housekeeping = startHousekeeping({ workloads, podMacs, attacher, cni: server.dispatcher }, attach, signal);
    watchThreads(log, signal);
    try {
      await Promise.race([session.run(signal), reconciler, held.keep(signal)]);
    } finally {
      nodeStatuses.close();
      router.close();
      await server.close();
    }
  } finally {
    idleTimer.close();
    await remover.close();
    flusher.close();
    await bird.release();
    await nodeLease?.release();
    await datastore.close();
    await etcd?.close();
    holder?.release();
    firewall.close();
    log.info('ended; the data plane stays as it is');
  }
}
