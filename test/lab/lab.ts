// The lab as tests use it: the built program, called as a person calls it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ocicat = join(import.meta.dir, '../../dist/bin/ocicat');

export interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(command: readonly string[], input?: string): Promise<Result> {
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
export function lab(words: readonly string[], input?: string): Promise<Result> {
  return run([ocicat, 'lab', ...words], input);
}

export interface Lab {
  readonly name: string;
  /** A shell command on a host. */
  on(host: string, command: string): Promise<Result>;
  /** As `on`; throws with the output when the status is not 0. Returns stdout. */
  must(host: string, command: string): Promise<string>;
  /** A shell command beside the lab's services, among the lab's own processes. */
  onSegment(command: string): Promise<Result>;
  down(): Promise<void>;
}

function onSegment(name: string, command: string): Promise<Result> {
  const state = JSON.parse(readFileSync(`/run/ocicat/labs/${name}/lab.json`, 'utf8')) as { init: { pid: number } };
  const entry = ['nsenter', `--target=${state.init.pid}`, '--mount', '--net', '--pid', '--'];
  return run([...entry, '/bin/bash', '-c', command]);
}

/** Brings a lab up under a name of this process; throws with the output when it does not come up. */
export async function openLab(purpose: string, nodes = 2): Promise<Lab> {
  const name = `${purpose}-${process.pid}`;
  const up = await lab(['up', '--name', name, '--nodes', String(nodes)]);
  if (up.status !== 0) throw new Error(`lab up: ${up.stderr}`);
  const on = (host: string, command: string) => lab(['exec', '--name', name, host, '--', '/bin/bash', '-c', command]);
  return {
    name,
    on,
    async must(host, command) {
      const result = await on(host, command);
      if (result.status !== 0)
        throw new Error(`${host}$ ${command}\n${result.stdout}${result.stderr}exit status ${result.status}`);
      return result.stdout;
    },
    onSegment: (command) => onSegment(name, command),
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
