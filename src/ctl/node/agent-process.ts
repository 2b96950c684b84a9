// The agent of this host, as its process shows it: found by name, in the network namespace of whoever asks.
import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

/** The names that the agent's process goes by. */
function isAgent(commandLine: readonly string[]): boolean {
  const [program = '', verb] = commandLine;
  const name = basename(program);
  return name === 'calico-node' || (name === 'ocicat' && verb === 'calico-node');
}

/** Undefined when the process has ended meanwhile, or does not show what it is. */
async function tryRead<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch {
    return undefined;
  }
}

/** Process numbers of this host's agents; other hosts of a lab on this machine have network namespaces of their own. */
export async function observeAgents(): Promise<readonly number[]> {
  const own = await tryRead(() => readlink('/proc/self/ns/net'));
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const commandLine = await tryRead(() => readFile(`/proc/${entry}/cmdline`, 'utf8'));
    if (commandLine === undefined || !isAgent(commandLine.split('\0'))) continue;
    if ((await tryRead(() => readlink(`/proc/${entry}/ns/net`))) === own) found.push(Number(entry));
  }
  return found;
}

const LOCK_FILE = '/var/run/calico/calico-node.lock';

/** The systemd unit that one of these agents says to be; undefined when it was started in another way. */
export async function observeAgentUnit(agents: readonly number[]): Promise<string | undefined> {
  const holder = (await tryRead(() => readFile(LOCK_FILE, 'utf8'))) ?? '';
  const [, pid, unit] = /^process (\d+)\nstarted by systemd unit (\S+)$/m.exec(holder) ?? [];
  return agents.includes(Number(pid)) ? unit : undefined;
}
