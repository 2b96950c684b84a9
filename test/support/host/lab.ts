// The lab as tests use it: the built program, called as a person calls it.
import { join } from 'node:path';
import { startAgent, waitForAgent } from '../../../src/lab/node-agent.ts';
import type { LabNode } from '../../../src/lab/plan.ts';
import { type LabState, readState } from '../../../src/lab/state.ts';

export const ocicat = join(import.meta.dir, '../../../dist/bin/ocicat');

export interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(command: readonly string[], input?: string | Uint8Array<ArrayBuffer>): Promise<Result> {
  const child = Bun.spawn([...command], {
    stdin: input === undefined ? 'ignore' : new Blob([input]),
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, stdout, stderr };
}

/** `ocicat lab WORDS…`, to its end. */
export function lab(args: readonly string[], input?: string | Uint8Array<ArrayBuffer>): Promise<Result> {
  return run([ocicat, 'lab', ...args], input);
}

export interface Lab {
  readonly name: string;
  /** The lab's first process. */
  readonly init: number;
  /** A shell command on a host. */
  on(host: string, command: string): Promise<Result>;
  /** As `on`; throws with the output when the status is not 0. Returns stdout. */
  must(host: string, command: string): Promise<string>;
  /** A shell command beside the lab's services, among the lab's own processes. */
  onSegment(command: string): Promise<Result>;
  /** Ends the agent of a host by a signal and waits for its end. */
  endAgent(host: string, signal: 'KILL' | 'TERM'): Promise<void>;
  /** Starts the agent of a host again, as `lab up` did, and waits until it is ready and has `peers` peers. */
  startAgent(host: string, peers: number): Promise<void>;
  /** Waits until the agent of a host is ready and has `peers` peers. */
  untilReady(host: string, peers: number): Promise<void>;
  down(): Promise<void>;
}

function onSegment(state: LabState, command: string): Promise<Result> {
  const entry = ['nsenter', `--target=${state.init.pid}`, '--mount', '--net', '--pid', '--'];
  return run([...entry, '/bin/bash', '-c', command]);
}

function nodeOf({ plan }: LabState, host: string): LabNode {
  const node = plan.nodes.find(({ name }) => name === host);
  if (node === undefined) throw new Error(`no host ${host}`);
  return node;
}

/** Brings a lab up under a name of this process, with flags of `lab up`; throws with the output when it does not come up. */
export async function openLab(purpose: string, nodes = 2, flags: readonly string[] = []): Promise<Lab> {
  const name = `${purpose}-${process.pid}`;
  const up = await lab(['up', '--name', name, '--nodes', String(nodes), ...flags]);
  if (up.status !== 0) throw new Error(`lab up: ${up.stderr}`);
  const state = readState(name);
  const on = (host: string, command: string) => lab(['exec', '--name', name, host, '--', '/bin/bash', '-c', command]);
  const must = async (host: string, command: string) => {
    const result = await on(host, command);
    if (result.status === 0) return result.stdout;
    throw new Error(`${host}$ ${command}\n${result.stdout}${result.stderr}exit status ${result.status}`);
  };
  return {
    name,
    init: state.init.pid,
    on,
    must,
    onSegment: (command) => onSegment(state, command),
    async endAgent(host, signal) {
      await must(host, `pid=$(pgrep -x calico-node) && kill -${signal} $pid && tail --pid=$pid -s 0.05 -f /dev/null`);
    },
    async startAgent(host, peers) {
      await startAgent(state, nodeOf(state, host));
      await waitForAgent(state, nodeOf(state, host), peers);
    },
    untilReady: (host, peers) => waitForAgent(state, nodeOf(state, host), peers),
    async down() {
      await lab(['down', '--name', name]);
    },
  };
}

/** Repeats until `check` gives a value; throws with `what` after timeoutMs. */
export async function eventually<T>(what: string, timeoutMs: number, check: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await Bun.sleep(50);
  }
}
