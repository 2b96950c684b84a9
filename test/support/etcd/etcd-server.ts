// A real single-member etcd for tests: own ports, own data directory, with the faults a test may want to see.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface EtcdOptions {
  /** Serve clients over TLS with this key pair; with `clientCa` they must show a certificate that it signed. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly clientCaFile?: string };
  /** Runs it by this command, `nsenter` and its arguments for example. */
  readonly launcher?: readonly string[];
  /** More arguments for etcd. */
  readonly flags?: readonly string[];
}

export interface EtcdServer {
  /** `http://127.0.0.1:PORT`, or `https:` with TLS. The same after every restart. */
  readonly endpoint: string;
  readonly port: number;
  readonly dataDir: string;
  /** Of the process that runs now. */
  pid(): number;
  /** Ends the server, if it runs, and removes its data. For `afterAll`. */
  stop(): Promise<void>;
  /** SIGKILL; the data stays. */
  kill(): Promise<void>;
  /** Starts it again after `kill` on the same ports and data; returns when it serves. */
  start(): Promise<void>;
  /** Removes the data of a killed server; the next start is another cluster, unless it is told to take the same id. */
  wipe(options?: { readonly sameId: boolean }): void;
  /** Saves a snapshot of the running server beside its data and returns its path. */
  snapshot(): Promise<string>;
  /** Puts a snapshot in the place of a killed server's data; by its members and token the same cluster, unless told another. */
  restore(snapshot: string, options?: { readonly sameId: boolean }): Promise<void>;
  /** SIGSTOP: the kernel still accepts connections, nobody answers (a half-open peer). */
  pause(): void;
  resume(): void;
  /** Runs etcdctl against it and returns its output without the last newline. */
  ctl(...args: readonly string[]): Promise<string>;
}

/** A TCP port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(address)));
    });
  });
}

function tlsFlags(tls: EtcdOptions['tls']): readonly string[] {
  if (tls === undefined) return [];
  const client = tls.clientCaFile === undefined ? [] : ['--client-cert-auth', '--trusted-ca-file', tls.clientCaFile];
  return ['--cert-file', tls.certFile, '--key-file', tls.keyFile, ...client];
}

/** Resolves when etcd says that it serves clients; rejects with its log when it ends first. */
function untilServing(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-20_000);
      if (/serving (insecure )?client/.test(log)) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`etcd ended (${code ?? signal}):\n${log}`)));
  });
}

/** Every thread stops in its own time: until all have, a request may still be answered. */
function isStopped(pid: number | undefined): boolean {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.every((thread) => /\) T /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')));
}

/** Starts etcd and returns when it serves (about 0.3 s). It dies with the calling process, however that ends. */
export async function startEtcd(options: EtcdOptions = {}): Promise<EtcdServer> {
  const [port, peerPort] = [await freePort(), await freePort()];
  const root = mkdtempSync(join(tmpdir(), 'ocitest-etcd-'));
  const dataDir = join(root, 'data');
  const endpoint = `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const argv = [
    ...['--pdeathsig', 'KILL', ...(options.launcher ?? [])],
    ...['etcd', '--name', 'test', '--data-dir', dataDir, '--logger', 'zap'],
    ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `test=${peer}`],
    ...['--heartbeat-interval', '20', '--election-timeout', '200'],
    ...tlsFlags(options.tls),
    ...(options.flags ?? []),
  ];
  let child: ChildProcess | undefined;
  let generation = 1;

  const server: EtcdServer = {
    endpoint,
    port,
    dataDir,
    pid: () => child?.pid ?? 0,
    async start() {
      child = spawn('setpriv', [...argv, '--initial-cluster-token', `${root}-${generation}`], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      await untilServing(child);
    },
    async kill() {
      const running = child;
      child = undefined;
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
      const gone = new Promise((resolve) => running.once('exit', resolve));
      running.kill('SIGKILL');
      await gone;
    },
    wipe(options = { sameId: false }) {
      if (!options.sameId) generation += 1;
      rmSync(dataDir, { recursive: true, force: true });
    },
    async snapshot() {
      const path = join(root, `snapshot-${Date.now()}.db`);
      await server.ctl('snapshot', 'save', path);
      return path;
    },
    async restore(snapshot, options = { sameId: true }) {
      server.wipe(options);
      const cluster = ['--name', 'test', '--initial-cluster', `test=${peer}`, '--initial-advertise-peer-urls', peer];
      const token = ['--initial-cluster-token', `${root}-${generation}`];
      await server.ctl('snapshot', 'restore', snapshot, '--data-dir', dataDir, ...cluster, ...token);
    },
    pause() {
      child?.kill('SIGSTOP');
      for (let looks = 0; looks < 1_000 && !isStopped(child?.pid); looks += 1) Bun.sleepSync(1);
    },
    resume() {
      child?.kill('SIGCONT');
    },
    async stop() {
      await server.kill();
      rmSync(root, { recursive: true, force: true });
    },
    async ctl(...args) {
      const run = Bun.spawn([...(options.launcher ?? []), 'etcdctl', '--endpoints', endpoint, ...args], {
        env: { ...process.env, ETCDCTL_API: '3' },
        stderr: 'pipe',
      });
      const [out, err] = [await new Response(run.stdout).text(), await new Response(run.stderr).text()];
      if ((await run.exited) !== 0) throw new Error(`etcdctl ${args.join(' ')}: ${err}`);
      return out.replace(/\n$/, '');
    },
  };
  await server.start();
  return server;
}
