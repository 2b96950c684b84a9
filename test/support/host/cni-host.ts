// A host for CNI tests: real etcd, a real network namespace as the host's, real pods, the real shim, and the server in
// this process with a stand-in for the part of the agent that puts policy in the kernel.
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAttacher } from '../../../src/attach/attacher.ts';
import type { AttachContext } from '../../../src/attach/context.ts';
import { openNodeCache } from '../../../src/attach/endpoint/node-cache.ts';
import { type CniServer, openCniServer } from '../../../src/cni/server/server.ts';
import { parseDatastoreConfig } from '../../../src/datastore/open/config.ts';
import { openDatastore } from '../../../src/datastore/open/open.ts';
import type { Datastore } from '../../../src/datastore/port.ts';
import { findGoneNetns, identifyNetns } from '../../../src/kernel/link/netns-identity.ts';
import {
  checkWorkloadLink,
  createWorkloadLink,
  isForeignLink,
  observeWorkloadLinks,
} from '../../../src/kernel/link/workload-link.ts';
import { raiseWorkloadLink } from '../../../src/kernel/reconcile/raise-link.ts';
import { openFlowFlusher } from '../../../src/kernel/worker/flow-flusher.ts';
import { openLinkRemover } from '../../../src/kernel/worker/link-remover.ts';
import type { ShimLimits } from '../../../src/shim/admission.ts';
import * as libc from '../../../src/sys/libc.ts';
import { createNetns, withNetns } from '../../../src/sys/netns.ts';
import { type EtcdServer, startEtcd } from '../etcd/etcd-server.ts';
import { buildShim } from './shim.ts';

export interface ShimCall {
  readonly command: string;
  readonly config: object | string;
  readonly plugin?: 'calico' | 'calico-ipam';
  readonly id?: string;
  readonly ifname?: string;
  readonly args?: string;
  /** CNI_VERSION, of which only callers of the first days of CNI speak. */
  readonly version?: string;
  /** Path of the namespace; default: the pod's. */
  readonly netns?: string;
}

interface ShimResult {
  readonly status: number | null;
  readonly output: string;
}

/** As a runtime sees it. */
export interface PluginRun extends ShimResult {
  readonly errors: string;
}

/** Of the agent, and where unfinished DELs are kept. */
export interface HostContext extends AttachContext {
  readonly pendingFolder: string;
}

export interface CniHost {
  readonly etcd: EtcdServer;
  readonly datastore: Datastore;
  readonly folder: string;
  readonly context: HostContext;
  server: CniServer;
  /** Path of the pod's namespace, which only this process's descriptor keeps. */
  readonly podPath: string;
  /** What the policy stand-in does before it resolves; tests replace it. */
  policy: () => Promise<void>;
  put(key: string, value: object): Promise<void>;
  call(call: ShimCall): Promise<ShimResult>;
  /**
   * Runs a plugin, ours or a reference one, in the host's namespace with the usual variables, for the pod's eth0; a variable that
   * is undefined is not there.
   */
  runPlugin(type: string, variables: Readonly<Record<string, string | undefined>>, input: string): Promise<PluginRun>;
  /** Runs a shell command in the host's namespace while this process, and with it the agent, goes on. */
  runBeside(command: string): Promise<PluginRun>;
  /** Runs a shell command in the host's or the pod's namespace. */
  run(where: 'host' | 'pod', command: string): string;
  linkNames(): readonly string[];
  close(): Promise<void>;
}

async function put(datastore: Datastore, key: string, value: object): Promise<void> {
  await datastore.commit({ conditions: [], writes: [{ kind: 'put', key, value: JSON.stringify(value) }] });
}

/** Debian's containernetworking-plugins. */
const REFERENCE_PLUGINS = '/usr/lib/cni';
const RESOURCES = '/calico/resources/v3/projectcalico.org';

async function fill(datastore: Datastore): Promise<void> {
  await put(datastore, `${RESOURCES}/clusterinformations/default`, {
    kind: 'ClusterInformation',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'default' },
    spec: { clusterGUID: 'abc', clusterType: '', calicoVersion: '', datastoreReady: true },
  });
  await put(datastore, `${RESOURCES}/nodes/host1`, {
    kind: 'Node',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'host1' },
    spec: {},
  });
  const pools = [
    ['four', '192.168.0.0/24', 26],
    ['six', 'fd80::/112', 122],
  ] as const;
  for (const [name, cidr, blockSize] of pools)
    await put(datastore, `${RESOURCES}/ippools/${name}`, {
      kind: 'IPPool',
      apiVersion: 'projectcalico.org/v3',
      metadata: { name },
      spec: { cidr, blockSize, nodeSelector: 'all()' },
    });
}

/** A server as the agent has it. */
export function openServer(context: HostContext, path: string, limits?: ShimLimits): Promise<CniServer> {
  return openCniServer({ ...context, attacher: createAttacher(context) }, path, limits);
}

export async function openCniHost(): Promise<CniHost> {
  const folder = mkdtempSync(join(tmpdir(), 'ocitest-cni-'));
  const socketPath = join(folder, 'cni.sock');
  buildShim(join(folder, 'calico'), folder);
  symlinkSync('calico', join(folder, 'calico-ipam'));
  const etcd = await startEtcd();
  const signal = new AbortController().signal;
  const datastore = await openDatastore(
    parseDatastoreConfig({ kind: 'environment', environment: { ETCD_ENDPOINTS: etcd.endpoint } }),
    signal,
  );
  await fill(datastore);
  const [hostFd, podFd] = [createNetns(), createNetns()];
  const remover = withNetns(hostFd, openLinkRemover);
  const flusher = withNetns(hostFd, openFlowFlusher);
  const cache = openNodeCache(datastore, 'host1');
  await cache.refresh(signal);
  cache.setInSync(true);

  const inHost =
    <A extends readonly unknown[], R>(work: (...args: A) => R) =>
    (...args: A): R =>
      withNetns(hostFd, () => work(...args));

  async function runInHost(
    command: string[],
    env: Readonly<Record<string, string | undefined>>,
    input: string,
  ): Promise<PluginRun> {
    const stdin = new TextEncoder().encode(input);
    const child = withNetns(hostFd, () =>
      Bun.spawn(command, { stdin, stdout: 'pipe', stderr: 'pipe', env, cwd: folder }),
    );
    const [output, errors, status] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { status, output, errors };
  }

  const context: HostContext = {
    nodeName: 'host1',
    datastore,
    cache,
    links: {
      create: inHost(createWorkloadLink),
      isForeign: inHost(isForeignLink),
      raise: inHost(raiseWorkloadLink),
      check: inHost(checkWorkloadLink),
      observe: inHost(observeWorkloadLinks),
      remove: remover.remove,
      endFlows: flusher.flush,
      identifyNetns: inHost(identifyNetns),
      findGoneNetns: inHost(findGoneNetns),
      settled: remover.settled,
    },
    policyApplied: () => host.policy(),
    endpointGone: () => undefined,
    whyBehind: () => undefined,
    whyCutOff: () => undefined,
    mtuBytes: () => 1450,
    unmadeTunnels: () => new Set(['ipip']),
    isOwnAddress: () => true,
    findListener: () => undefined,
    pendingFolder: join(folder, 'pending'),
    endpointFolder: join(folder, 'endpoints'),
    nodeLease: { isHeld: async () => true, require: async () => undefined },
    boot: 'boot-1',
    now: Date.now,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  };

  const host: CniHost = {
    etcd,
    datastore,
    folder,
    context,
    server: await openServer(context, socketPath),
    podPath: `/proc/${process.pid}/fd/${podFd}`,
    policy: async () => undefined,
    put: (key, value) => put(datastore, key, value),
    async call({ command, config, plugin = 'calico', id = 'cont000001', ifname = 'eth0', args = '', version, netns }) {
      const child = Bun.spawn([join(folder, plugin)], {
        stdin: new TextEncoder().encode(typeof config === 'string' ? config : JSON.stringify(config)),
        stdout: 'pipe',
        stderr: 'inherit',
        env: {
          CNI_COMMAND: command,
          CNI_CONTAINERID: id,
          CNI_NETNS: netns ?? host.podPath,
          CNI_IFNAME: ifname,
          CNI_ARGS: args,
          CNI_PATH: REFERENCE_PLUGINS,
          ...(version === undefined ? {} : { CNI_VERSION: version }),
        },
      });
      const output = await new Response(child.stdout).text();
      return { status: await child.exited, output };
    },
    async runPlugin(type, variables, input) {
      const path = `${folder}:${REFERENCE_PLUGINS}`;
      const env = {
        CNI_CONTAINERID: 'cont000001',
        CNI_NETNS: host.podPath,
        CNI_IFNAME: 'eth0',
        CNI_PATH: path,
        PATH: process.env.PATH ?? '',
        ...variables,
      };
      return runInHost([Bun.which(type, { PATH: path }) ?? type], env, input);
    },
    runBeside: (command) => runInHost(['bash', '-c', command], { PATH: process.env.PATH ?? '' }, ''),
    run(where, command) {
      const { stdout, stderr } = withNetns(where === 'host' ? hostFd : podFd, () =>
        Bun.spawnSync(['sh', '-c', command]),
      );
      return `${stdout}${stderr}`.replaceAll(/[ \t]+$/gm, '').trim();
    },
    linkNames: () => withNetns(hostFd, observeWorkloadLinks).map(({ name }) => name),
    async close() {
      await host.server.close();
      await remover.close();
      flusher.close();
      await datastore.close();
      await etcd.stop();
      for (const fd of [hostFd, podFd]) libc.close(fd);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return host;
}

/** DELs that are written down as unfinished. */
export function countPending({ folder }: CniHost): number {
  try {
    return readdirSync(join(folder, 'pending')).length;
  } catch {
    return 0;
  }
}
