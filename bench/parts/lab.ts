// A lab for one benchmark, and programs run on its hosts.
import { join } from 'node:path';

const root = join(import.meta.dir, '../..');
export const ocicat = join(root, 'dist/bin/ocicat');
const bun = join(root, 'node_modules/.bin/bun');

function lab(...words: readonly string[]): void {
  const { exitCode } = Bun.spawnSync([ocicat, 'lab', ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (exitCode !== 0) throw new Error(`ocicat lab ${words.join(' ')}: exit status ${exitCode}`);
}

/** Brings a lab up, with flags of `lab up`, runs `work`, and takes the lab down whatever happens. */
export async function withLab(
  nodes: number,
  work: (name: string) => Promise<void>,
  flags: readonly string[] = [],
): Promise<void> {
  const name = `bench-${process.pid}`;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      lab('down', '--name', name);
      process.exit(1);
    });
  }
  lab('up', '--name', name, '--nodes', String(nodes), ...flags);
  try {
    await work(name);
  } finally {
    lab('down', '--name', name);
  }
}

/** Copies files of a folder into one of the lab's first host. */
export async function copyToHost(
  name: string,
  folder: string,
  files: readonly string[],
  target: string,
): Promise<void> {
  const pack = Bun.spawn(['tar', '-C', folder, '-c', ...files], { stdio: ['ignore', 'pipe', 'inherit'] });
  const unpack = ['sh', '-c', `mkdir -p ${target} && tar -C ${target} -x`];
  const child = Bun.spawn([ocicat, 'lab', 'exec', '--name', name, 'calico-01', '--', ...unpack], {
    stdio: [pack.stdout, 'inherit', 'inherit'],
  });
  if ((await child.exited) !== 0) throw new Error(`copy ${folder} to a host: failed`);
}

/** The words that run a command on a lab's host. */
export function commandOnHost(name: string, command: readonly string[], host = 'calico-01'): string[] {
  return [ocicat, 'lab', 'exec', '--name', name, host, '--', ...command];
}

/** A file of bench/parts, run by this checkout's Bun. */
export function partCommand(file: string, args: readonly string[] = []): string[] {
  return [bun, join(root, 'bench/parts', file), ...args];
}

/** Runs a command on a host to its end; returns what it prints. */
export async function execOnHost(name: string, host: string, command: readonly string[], input = ''): Promise<string> {
  const child = Bun.spawn(commandOnHost(name, command, host), {
    stdio: [new TextEncoder().encode(input), 'pipe', 'inherit'],
  });
  const [text, status] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  if (status !== 0) throw new Error(`${command.join(' ')} on ${host}: exit status ${status}: ${text}`);
  return text;
}

/** Runs a file of bench/parts on the lab's first host, with this checkout's Bun; returns the JSON that it prints. */
export async function runOnHost(name: string, file: string, args: readonly string[] = []): Promise<unknown> {
  return JSON.parse(await execOnHost(name, 'calico-01', partCommand(file, args)));
}

/** The same for a file whose lines are shown as they come. */
export async function streamOnHost(name: string, file: string, args: readonly string[]): Promise<void> {
  const child = Bun.spawn(commandOnHost(name, partCommand(file, args)), { stdio: ['ignore', 'inherit', 'inherit'] });
  const status = await child.exited;
  if (status !== 0) throw new Error(`${file}: exit status ${status}`);
}
