// A real etcd of three members for tests, of which one can be killed, and restored from a snapshot, by itself.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './etcd-server.ts';

const NAMES = ['m1', 'm2', 'm3'] as const;
export type MemberName = (typeof NAMES)[number];

export interface EtcdCluster {
  endpointOf(name: MemberName): string;
  /** SIGKILL; the data stays. */
  kill(name: MemberName): Promise<void>;
  /** Returns when they answer by way of a quorum. */
  start(...names: readonly MemberName[]): Promise<void>;
  /** Puts a snapshot in the place of a killed member's data, as a member of this cluster: what only all of them should be. */
  restore(name: MemberName, snapshot: string): Promise<void>;
  snapshot(name: MemberName): Promise<string>;
  ctl(name: MemberName, ...args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

async function etcdctl(endpoint: string, args: readonly string[]): Promise<string> {
  const times = ['--dial-timeout=1s', '--command-timeout=2s'];
  const child = Bun.spawn(['etcdctl', '--endpoints', endpoint, ...times, ...args], {
    env: { ...process.env, ETCDCTL_API: '3' },
    stderr: 'pipe',
  });
  const [out, err] = [await new Response(child.stdout).text(), await new Response(child.stderr).text()];
  if ((await child.exited) !== 0) throw new Error(`etcdctl ${args.join(' ')}: ${err}`);
  return out.trimEnd();
}

export async function startCluster(): Promise<EtcdCluster> {
  const root = mkdtempSync(join(tmpdir(), 'ocitest-cluster-'));
  const ports = new Map<string, { readonly client: number; readonly peer: number }>();
  for (const name of NAMES) ports.set(name, { client: await freePort(), peer: await freePort() });
  const children = new Map<MemberName, ChildProcess>();
  const endpointOf = (name: MemberName) => `http://127.0.0.1:${ports.get(name)?.client}`;
  const peerOf = (name: MemberName) => `http://127.0.0.1:${ports.get(name)?.peer}`;
  const membership = (name: MemberName): readonly string[] => [
    ...['--name', name, '--data-dir', join(root, name), '--initial-cluster-token', root],
    ...['--initial-cluster', NAMES.map((one) => `${one}=${peerOf(one)}`).join(',')],
    ...['--initial-advertise-peer-urls', peerOf(name)],
  ];

  function spawnMember(name: MemberName): void {
    const urls = ['--listen-client-urls', endpointOf(name), '--advertise-client-urls', endpointOf(name)];
    const times = ['--heartbeat-interval', '20', '--election-timeout', '200', '--logger', 'zap'];
    const argv = ['--pdeathsig', 'KILL', 'etcd', ...membership(name), ...urls, '--listen-peer-urls', peerOf(name)];
    children.set(name, spawn('setpriv', [...argv, ...times], { stdio: 'ignore' }));
  }

  async function untilAnswers(name: MemberName): Promise<void> {
    for (let looks = 0; ; looks += 1) {
      try {
        return void (await etcdctl(endpointOf(name), ['get', '/']));
      } catch (error) {
        if (looks > 20) throw error;
        await Bun.sleep(100);
      }
    }
  }

  const cluster: EtcdCluster = {
    endpointOf,
    async kill(name) {
      const child = children.get(name);
      children.delete(name);
      if (child === undefined) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
    async start(...names) {
      for (const name of names) spawnMember(name);
      for (const name of names) await untilAnswers(name);
    },
    async restore(name, snapshot) {
      rmSync(join(root, name), { recursive: true, force: true });
      await etcdctl(endpointOf(name), ['snapshot', 'restore', snapshot, ...membership(name)]);
    },
    async snapshot(name) {
      const path = join(root, `snapshot-${Date.now()}.db`);
      await etcdctl(endpointOf(name), ['snapshot', 'save', path]);
      return path;
    },
    ctl: (name, ...args) => etcdctl(endpointOf(name), args),
    async stop() {
      for (const name of NAMES) await cluster.kill(name);
      rmSync(root, { recursive: true, force: true });
    },
  };
  await cluster.start(...NAMES);
  return cluster;
}
