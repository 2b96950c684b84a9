// The two plugins by which Docker's containers come onto networks of the cluster: there where Docker is, whichever starts first.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Attacher } from '../../attach/attacher.ts';
import type { AttachContext } from '../../attach/context.ts';
import type { Log } from '../../sys/log.ts';
import { createEngine } from './engine.ts';
import { createHandover } from './handover.ts';
import { createIpamDriver } from './ipam-driver.ts';
import { completeUnnamed, type LateContext } from './late-identity.ts';
import { createNetworkDriver } from './network-driver.ts';
import { openPluginSocket, type PluginSocket } from './plugin-socket.ts';
import { openEndpointRecords, openNetworkRecords } from './records.ts';
import { createUpkeep } from './upkeep.ts';

/** Made by Docker's engine when it starts; where it is not, there is nobody to open anything for. */
const DOCKER_FOLDER = '/run/docker';
const PLUGIN_FOLDER = `${DOCKER_FOLDER}/plugins`;
const ENGINE_SOCKET = '/run/docker.sock';
/** An engine that starts waits for plugins that it needs, and looks for them more often than once in two seconds at first. */
const LOOK_MS = 1_000;

/**
 * An agent with a root of its own among the host's processes, as a pod of rkt's flavour fly is, finds the host's files below the root
 * of process 1 (proc_pid_root(5)).
 */
function findHostRoot(): string {
  const first = '/proc/1/root/';
  const [own, host] = [statSync('/'), statSync(first, { throwIfNoEntry: false })];
  return host === undefined || (own.ino === host.ino && own.dev === host.dev) ? '/' : first;
}

export interface DockerContext {
  readonly attacher: Attacher;
  readonly attach: LateContext['attach'] & Pick<AttachContext, 'nodeName'>;
  /** Folder for what Docker has told; made when it is needed. */
  readonly folder: string;
  readonly log: Log;
}

export interface DockerServer {
  /** Looks after what Docker and a crash have left. */
  finishDeferred(): Promise<void>;
  close(): Promise<void>;
}

/** The plugins are open as long as there is a Docker. */
export function openDockerServer(
  { attacher, attach, folder, log }: DockerContext,
  root = findHostRoot(),
): DockerServer {
  const stopping = new AbortController();
  const handleId = `docker-held-addr-${attach.nodeName}`;
  const endpoints = openEndpointRecords(folder);
  const context: LateContext = {
    ...{ attacher, attach, handleId, log },
    engine: createEngine(join(root, ENGINE_SOCKET)),
    handover: createHandover(log, stopping.signal),
    networks: openNetworkRecords(folder),
    endpoints,
    unnamed: new Set(endpoints.list().map(({ endpointId }) => endpointId)),
  };
  const upkeep = createUpkeep(context, stopping.signal);
  const plugins = {
    calico: { driver: 'NetworkDriver', calls: createNetworkDriver(context, Date.now) },
    'calico-ipam': {
      driver: 'IpamDriver',
      calls: createIpamDriver({ ...context, freeAbandoned: upkeep.freeAbandoned }),
    },
  } as const;
  let sockets: PluginSocket[] = [];

  function ensureOpen(): void {
    const paths = Object.keys(plugins).map((name) => join(root, PLUGIN_FOLDER, `${name}.sock`));
    const isWhole = sockets.length > 0 && paths.every((path) => statSync(path, { throwIfNoEntry: false })?.isSocket());
    if (isWhole || !existsSync(join(root, DOCKER_FOLDER))) return;
    for (const socket of sockets.splice(0)) void socket.close();
    sockets = Object.entries(plugins).map(([name, plugin]) =>
      openPluginSocket(join(root, PLUGIN_FOLDER, `${name}.sock`), plugin, log),
    );
    log.info(`Docker's plugins calico and calico-ipam are open in ${PLUGIN_FOLDER}`);
  }

  let isCompleting = false;

  async function complete(): Promise<void> {
    if (isCompleting) return;
    isCompleting = true;
    try {
      await completeUnnamed(context, stopping.signal);
    } catch (error) {
      if (!stopping.signal.aborted) log.error('open endpoints of Docker', error);
    } finally {
      isCompleting = false;
    }
  }

  /** Docker may be installed, or make its folder anew, at any time. */
  function look(): void {
    if (sockets.length > 0) void complete();
    try {
      ensureOpen();
    } catch (error) {
      log.error("open Docker's plugins", error);
    }
  }

  look();
  const timer = setInterval(look, LOOK_MS);
  return {
    finishDeferred: () => upkeep.round(Date.now()),
    async close() {
      clearInterval(timer);
      await Promise.all(sockets.map((socket) => socket.close()));
      stopping.abort();
    },
  };
}
