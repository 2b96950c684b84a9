// node status: whether the agent runs on this host, and how its BGP sessions are (facts: calico §8.6, §9.5).
import { readFile } from 'node:fs/promises';
import { isOcicatError, OcicatError } from '../base/errors.ts';
import { observeAgents } from './agent-process.ts';
import { askReadiness } from './agent-readiness.ts';
import { askBird } from './bird-client.ts';
import type { Handler } from './command.ts';
import { describeForwarding } from './forwarding.ts';
import { describeOtherFirewalls } from './other-firewalls.ts';
import { describeTableProtection } from './table-protection.ts';
import { formatFramed } from './tabwriter.ts';

const BIRD_CONFIG = '/var/run/calico/bird.cfg';
const SOCKETS = ['/var/run/calico/bird.ctl', '/var/run/bird/bird.ctl'];

export interface BgpSession {
  readonly address: string;
  readonly type: string;
  readonly state: string;
  readonly since: string;
  readonly info: string;
}

/** Session names begin with where they come from. */
const TYPES: Readonly<Record<string, string>> = {
  Mesh: 'node-to-node mesh',
  Node: 'node specific',
  Global: 'global',
};

/**
 * The BGP sessions of `show protocols all`: a line with name, protocol, table, state, since and info for each, and
 * indented lines with details below it.
 */
export function parseSessions(lines: readonly string[]): readonly BgpSession[] {
  const sessions: BgpSession[] = [];
  for (const line of lines) {
    const head = /^(Mesh|Node|Global)_(\S+)\s+BGP\s+\S+\s+(\S+)\s+(\d\S*(?: \d\S*)?)\s*(.*)$/.exec(line);
    if (head !== null) {
      const [, from = '', rest = '', state = '', since = '', info = ''] = head;
      sessions.push({
        address: addressOf(rest),
        type: TYPES[from] ?? from,
        state,
        since,
        info: info.trim().replace(/\s+/g, ' '),
      });
      continue;
    }
    const neighbour = /^\s+Neighbor address:\s*(\S+)/.exec(line)?.[1];
    const last = sessions.at(-1);
    if (neighbour !== undefined && last !== undefined)
      sessions[sessions.length - 1] = { ...last, address: withoutZone(neighbour) };
  }
  return sessions;
}

/** From a name, for sessions whose details BIRD does not show: `10_0_0_2`, `fd00__2`. */
function addressOf(name: string): string {
  const bare = name.replace(/_port_\d+$/, '');
  return /^\d+_\d+_\d+_\d+$/.test(bare) ? bare.replaceAll('_', '.') : bare.replaceAll('_', ':');
}

function withoutZone(address: string): string {
  return address.split('%')[0] ?? address;
}

function formatSessions(family: 4 | 6, sessions: readonly BgpSession[]): string {
  const own = sessions.filter((session) => session.address.includes(':') === (family === 6));
  const title = `\nIPv${family} BGP status\n`;
  if (own.length === 0) return `${title}No IPv${family} peers found.\n`;
  const rows = own.map(({ address, type, state, since, info }) => [address, type, state, since, info]);
  return `${title}${formatFramed([['Peer address', 'Peer type', 'State', 'Since', 'Info'], ...rows])}`;
}

/** Undefined when no BIRD listens at any of the places. */
async function readSessions(sockets: readonly string[]): Promise<readonly BgpSession[] | undefined> {
  for (const socket of sockets) {
    try {
      return parseSessions(await askBird(socket, 'show protocols all'));
    } catch (error) {
      if (!isOcicatError(error, 'not-found')) throw error;
    }
  }
  return undefined;
}

/** Resources that the agent keeps from BIRD, which refuses them: the agent names them in the file that it writes for it. */
export async function describeLeftOut(configPath: string = BIRD_CONFIG): Promise<string> {
  const config = await readFile(configPath, 'utf8').catch(() => '');
  const lines = [...config.matchAll(/^# left out: (.+)$/gm)].map(([, part]) => `  ${part}\n`);
  return lines.length === 0 ? '' : `\nLeft out, since BIRD refuses it:\n${lines.join('')}`;
}

/** The report on BGP; `sockets` are tried in order. */
export async function describeBgp(sockets: readonly string[] = SOCKETS): Promise<string> {
  const sessions = await readSessions(sockets);
  if (sessions === undefined) return '\nThe BGP backend process (BIRD) is not running.\n';
  return `${formatSessions(4, sessions)}${formatSessions(6, sessions)}\n`;
}

export const runNodeStatus: Handler = async ({ stdio }) => {
  if (process.getuid?.() !== 0) throw new OcicatError('denied', 'This command must be run as root.');
  if ((await observeAgents()).length === 0) {
    stdio.writeError('Calico process is not running.\n');
    return 1;
  }
  stdio.write('Calico process is running.\n');
  const readiness = await askReadiness();
  if (readiness.kind === 'not-ready') stdio.write(`It is not ready: ${readiness.words}.\n`);
  stdio.write(await describeBgp());
  stdio.write(await describeLeftOut());
  stdio.write(describeForwarding());
  stdio.write(describeTableProtection());
  stdio.write(describeOtherFirewalls());
  return readiness.kind === 'not-ready' ? 1 : 0;
};
