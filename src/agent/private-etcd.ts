// The agent's own single-member etcd, for a machine that has no cluster: started, watched over and ended with the agent.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { OcicatError } from '../base/errors.ts';
import { tryParseJson } from '../base/json.ts';
import { PRIVATE_ETCD_SOCKET } from '../datastore/open/config.ts';
import { membersOf } from '../schema/document.ts';
import { pause } from '../sys/pause.ts';
import { removeTree } from '../sys/remove-tree.ts';

export interface PrivateEtcdOptions {
  /** Kept for ever: the store's content. Created for root alone. */
  readonly dataDirectory: string;
  /** Made for root alone before etcd starts: its sockets are in it, and whoever cannot enter it cannot connect. */
  readonly runDirectory: string;
  /** Gets etcd's warnings and what happens to it, a line each. */
  log(line: string): void;
}

export interface PrivateEtcd {
  /** Ends it as it likes to be ended, and returns when it is gone. The data stays. */
  close(): Promise<void>;
}

/** It takes 0.3 s on an empty directory; replaying a long log on a slow disk takes longer. */
const START_TIMEOUT_MS = 60_000;
/** For closing its files after SIGTERM; then SIGKILL, which its write-ahead log survives. */
const STOP_TIMEOUT_MS = 5_000;
const FIRST_RESTART_MS = 200;
const LAST_RESTART_MS = 10_000;
/** Having run this long, its next restart is the first one again. */
const STABLE_MS = 60_000;

/** In its membership, where it must have a network address. Nobody dials it: a single member has no peers. */
const PEER_URL = 'http://127.0.0.1:2380';

/**
 * Unix sockets in the directory that etcd runs in (etcd 3.4 takes no paths), with names of their own: an etcd that ends
 * removes the names it has listened on, and must not remove those of the next one.
 */
interface Sockets {
  readonly client: string;
  readonly peer: string;
}

function nameSockets(): Sockets {
  const run = randomUUID();
  return { client: `client-${run}:0`, peer: `peer-${run}:0` };
}

/**
 * History of an hour lets an agent that was away that long go on without reading everything again. A snapshot every
 * 10,000 changes (etcd's default is 100,000) keeps memory small. The random token makes a store begun anew another
 * cluster for those who knew the old one; an existing store does not read it.
 */
function etcdArguments({ dataDirectory }: PrivateEtcdOptions, { client, peer }: Sockets): readonly string[] {
  return [
    ...['--name', 'private', '--data-dir', dataDirectory, '--logger', 'zap', '--log-level', 'info'],
    ...['--listen-client-urls', `unix://${client}`, '--advertise-client-urls', `unix://${client}`],
    ...['--listen-peer-urls', `unix://${peer}`, '--initial-advertise-peer-urls', PEER_URL],
    ...['--initial-cluster', `private=${PEER_URL}`, '--initial-cluster-token', randomUUID()],
    '--enable-grpc-gateway=false', // it would dial the name that is moved away
    ...['--auto-compaction-mode', 'periodic', '--auto-compaction-retention', '1h'],
    ...['--snapshot-count', '10000', '--max-snapshots', '2', '--max-wals', '2'],
  ];
}

/** setpriv has the kernel end etcd when the agent ends, however that comes: the next agent starts its own. */
function startChild(options: PrivateEtcdOptions, sockets: Sockets): ChildProcess {
  const argv = ['--pdeathsig', 'TERM', 'etcd', ...etcdArguments(options, sockets)];
  return spawn('setpriv', argv, { cwd: options.runDirectory, stdio: ['ignore', 'ignore', 'pipe'] });
}

interface LogEntry {
  readonly level: string;
  readonly message: string;
}

function readLogLine(line: string): LogEntry {
  // Its gRPC library writes past the logger, about connections of etcd to itself.
  if (/^(INFO|WARNING): /.test(line)) return { level: 'info', message: line };
  const entry = membersOf(tryParseJson(line));
  if (entry === undefined) return { level: 'warn', message: line };
  const { level, msg, error } = entry;
  return { level: String(level), message: error === undefined ? String(msg) : `${msg}: ${error}` };
}

/** Left out: what it says at every start, and what a slow disk makes it say many times a second. */
function isWorthLogging({ level, message }: LogEntry): boolean {
  return (
    level !== 'info' &&
    level !== 'debug' &&
    !/strongly discouraged|not cryptographically signed|took too long|on single port|insecure grpc server/.test(message)
  );
}

/** What killed ones have left; the name that clients know is replaced when the next one serves. */
function removeFormerSockets({ runDirectory }: PrivateEtcdOptions): void {
  for (const name of readdirSync(runDirectory)) if (name !== PRIVATE_ETCD_SOCKET) removeTree(join(runDirectory, name));
}

/** One run of etcd, from its start to its end. */
interface Run {
  /** True when it serves clients; false when it ended before. Its own report counts: the port may be somebody else's. */
  readonly serving: Promise<boolean>;
  /** Resolves with why it ended. */
  readonly ended: Promise<string>;
  readonly child: ChildProcess;
}

function startRun(options: PrivateEtcdOptions): Run {
  const sockets = nameSockets();
  removeFormerSockets(options);
  const child = startChild(options, sockets);
  let lastMessage = '';
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(lastMessage || `it ended with ${signal ?? `status ${code}`}`));
  });
  const serving = new Promise<boolean>((resolve) => {
    if (child.stderr !== null)
      createInterface({ input: child.stderr }).on('line', (line) => {
        const entry = readLogLine(line);
        if (entry.message.startsWith('serving client traffic')) {
          renameSync(join(options.runDirectory, sockets.client), join(options.runDirectory, PRIVATE_ETCD_SOCKET));
          resolve(true);
        }
        if (isWorthLogging(entry)) options.log(`etcd: ${entry.message}`);
        if (entry.level === 'fatal' || entry.level === 'panic' || line.startsWith('setpriv:'))
          lastMessage = entry.message;
      });
    void ended.then(() => resolve(false));
  });
  return { serving, ended, child };
}

async function endChild(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}

function rejectAfterStart(signal: AbortSignal): { readonly promise: Promise<never>; cancel(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(new OcicatError('aborted', 'start private etcd: aborted', { cause: signal.reason }));
  const tooLate = () =>
    reject(new OcicatError('unavailable', `start private etcd: it does not serve after ${START_TIMEOUT_MS} ms`));
  const timer = setTimeout(tooLate, START_TIMEOUT_MS);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  promise.catch(() => undefined);
  return {
    promise,
    cancel() {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    },
  };
}

/** Starts it again whenever it ends, later each time it ends soon, until aborted. */
async function supervise(first: Run, options: PrivateEtcdOptions, stop: AbortSignal, use: (run: Run) => void) {
  let run = first;
  let startedMs = performance.now();
  let restartMs = FIRST_RESTART_MS;
  for (;;) {
    const reason = await run.ended;
    if (stop.aborted) return;
    if (performance.now() - startedMs > STABLE_MS) restartMs = FIRST_RESTART_MS;
    options.log(`private etcd ended: ${reason}; starting it again in ${restartMs} ms`);
    await pause(restartMs, stop);
    if (stop.aborted) return;
    restartMs = Math.min(LAST_RESTART_MS, restartMs * 2);
    startedMs = performance.now();
    run = startRun(options);
    use(run);
  }
}

/**
 * Starts etcd and returns when it serves; restarts it when it ends, until closed. Throws `unavailable` with etcd's
 * last message when it cannot start (not installed, disk broken), and `aborted`.
 */
export async function openPrivateEtcd(options: PrivateEtcdOptions, signal: AbortSignal): Promise<PrivateEtcd> {
  for (const directory of [options.dataDirectory, options.runDirectory]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    chmodSync(directory, 0o700);
  }
  const stop = new AbortController();
  let run = startRun(options);
  const limit = rejectAfterStart(signal);
  try {
    if (!(await Promise.race([run.serving, limit.promise])))
      throw new OcicatError('unavailable', `start private etcd: ${await run.ended}`);
  } catch (error) {
    await endChild(run.child, run.ended);
    throw error;
  } finally {
    limit.cancel();
  }
  const supervision = supervise(run, options, stop.signal, (next) => {
    run = next;
  });
  return {
    async close() {
      stop.abort();
      await endChild(run.child, run.ended);
      await supervision;
    },
  };
}
