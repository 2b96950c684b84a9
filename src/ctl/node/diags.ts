// node diags: what this host shows about its network, in one archive.
import { mkdtemp, readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flagValue, type Handler } from '../cli/command.ts';
import { type ArchiveEntry, formatTimestamp, writeArchive } from '../output/archive.ts';
import { describeBgp } from './status.ts';

const DEFAULT_LOG_FOLDER = '/var/log/calico';
/** A program that hangs must not keep the rest from being collected. */
const TIMEOUT_MS = 10_000;
/** The end of a long log is what matters. */
const MAX_LOG_BYTES = 10 * 1024 * 1024;

const PROGRAMS: readonly (readonly [file: string, command: readonly string[]])[] = [
  ['date', ['date']],
  ['hostname', ['hostname']],
  ['kernel', ['uname', '-a']],
  ['ip-addr', ['ip', '-d', 'addr']],
  ['ip-route', ['ip', 'route', 'show', 'table', 'all']],
  ['ip6-route', ['ip', '-6', 'route', 'show', 'table', 'all']],
  ['ip-rule', ['ip', 'rule']],
  ['ip-neigh', ['ip', 'neigh']],
  ['nft-ruleset', ['nft', 'list', 'ruleset']],
  ['iptables-save', ['iptables-save', '-c']],
  ['ip6tables-save', ['ip6tables-save', '-c']],
  ['sockets', ['ss', '-tuanp']],
  ['processes', ['ps', 'auxww']],
  ['journal', ['journalctl', '--no-pager', '-n', '10000', '-u', 'calico-node']],
];

/** Output and errors of a program; a program that is not there says so. */
async function runProgram(command: readonly string[]): Promise<string> {
  try {
    const child = Bun.spawn([...command], { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', timeout: TIMEOUT_MS });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    await child.exited;
    return `$ ${command.join(' ')}\n${out}${err}`;
  } catch (error) {
    return `$ ${command.join(' ')}\n${error instanceof Error ? error.message : String(error)}\n`;
  }
}

async function readEnd(path: string): Promise<string> {
  const file = Bun.file(path);
  return file.slice(Math.max(0, file.size - MAX_LOG_BYTES)).text();
}

/** The files of a folder and of its folders; nothing when it is not there. */
async function collectLogs(folder: string): Promise<readonly ArchiveEntry[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const entries: ArchiveEntry[] = [];
  for (const name of names) {
    const path = join(folder, name);
    if ((await stat(path)).isFile()) entries.push({ name: `diagnostics/logs/${name}`, text: await readEnd(path) });
  }
  return entries;
}

async function collectFiles(): Promise<readonly ArchiveEntry[]> {
  const paths = ['/proc/net/nf_conntrack', '/proc/sys/net/ipv4/ip_forward', '/proc/mounts', '/var/lib/calico/nodename'];
  return Promise.all(
    paths.map(async (path) => ({
      name: `diagnostics/files${path}`,
      text: await readFile(path, 'utf8').catch((error: Error) => `${error.message}\n`),
    })),
  );
}

export const runNodeDiags: Handler = async (invocation) => {
  const { stdio } = invocation;
  stdio.write('Collecting diagnostics\n');
  const programs = await Promise.all(
    PROGRAMS.map(async ([file, command]) => ({ name: `diagnostics/${file}`, text: await runProgram(command) })),
  );
  const bgp = { name: 'diagnostics/bgp', text: await describeBgp().catch((error: Error) => `${error.message}\n`) };
  const logs = await collectLogs(flagValue(invocation, 'log-dir') ?? DEFAULT_LOG_FOLDER);
  const folder = await mkdtemp(join(tmpdir(), 'calico'));
  const path = join(folder, `diags-${formatTimestamp(new Date())}.tar.gz`);
  await writeArchive(path, [...programs, bgp, ...(await collectFiles()), ...logs]);
  stdio.write(`\nDiags saved to ${path}\n`);
  return 0;
};
