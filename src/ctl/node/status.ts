// node status: whether the agent runs on this host, how its BGP sessions are, and its ways to other hosts (Calico v3.33, node/pkg/status).
import { readFile } from 'node:fs/promises';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { observeBirdProtocols } from '../../bird/protocols.ts';
import { type BgpOrigin, type BgpSessionStatus, bgpSessionsOf, formatPeer } from '../../bird/sessions.ts';
import { formatFramed } from '../../cli/framed-table.ts';
import type { Handler } from '../cli/command.ts';
import { observeAgents } from './agent-process.ts';
import { askReadiness } from './agent-readiness.ts';
import { describeForwarding } from './forwarding.ts';
import { describeMtuOfPools, describeRouteFaults, describeRoutes, describeTunnels } from './host-paths.ts';
import { describeOtherFirewalls } from './other-firewalls.ts';
import { describeTableProtection } from './table-protection.ts';

const BIRD_CONFIG = '/var/run/calico/bird.cfg';
const REFUSED_ENDPOINTS = '/var/run/calico/refused-endpoints';
const SOCKETS = ['/var/run/calico/bird.ctl', '/var/run/bird/bird.ctl'];

/** As Calico calls where a session comes from. */
const ORIGINS: Readonly<Record<BgpOrigin, string>> = {
  mesh: 'node-to-node mesh',
  node: 'node specific',
  global: 'global',
  workload: 'local workload',
};

function formatSessions(family: 4 | 6, sessions: readonly BgpSessionStatus[]): string {
  const own = sessions.filter((session) => session.family === family);
  const title = `\nIPv${family} BGP status\n`;
  if (own.length === 0) return `${title}No IPv${family} peers found.\n`;
  const rows = own.map((session) => {
    const { origin, state, since, info } = session;
    return [formatPeer(session), ORIGINS[origin], state, since, info];
  });
  return `${title}${formatFramed([['Peer address', 'Peer type', 'State', 'Since', 'Info'], ...rows])}`;
}

/** Undefined when no BIRD listens at any of the places. */
async function readSessions(sockets: readonly string[]): Promise<readonly BgpSessionStatus[] | undefined> {
  for (const socket of sockets) {
    try {
      return bgpSessionsOf(await observeBirdProtocols(socket));
    } catch (error) {
      if (!isOcicatError(error, 'not-found')) throw error;
    }
  }
  return undefined;
}

/** What the agent notes in the file that it writes for BIRD: the word there, and what to call it here. */
const NOTES = [
  ['left out', 'Left out, since BIRD refuses it'],
  ['closed', 'Nothing is sent to them or taken from them'],
] as const;

/** Resources that the agent keeps from BIRD, which refuses them, and peers whose filters are missing. */
export async function describeNotes(configPath: string = BIRD_CONFIG): Promise<string> {
  const config = await readFile(configPath, 'utf8').catch(() => '');
  const texts = NOTES.map(([word, title]) => {
    const lines = [...config.matchAll(new RegExp(`^# ${word}: (.+)$`, 'gm'))].map(([, part]) => `  ${part}\n`);
    return lines.length === 0 ? '' : `\n${title}:\n${lines.join('')}`;
  });
  return texts.join('');
}

/** Endpoints that the agent keeps closed, since the kernel refuses their rules. */
export async function describeRefused(path: string = REFUSED_ENDPOINTS): Promise<string> {
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  const rows = lines.map((line) => `  ${line}\n`).join('');
  return lines.length === 0 ? '' : `\nClosed, since the kernel refuses their rules; they are tried again:\n${rows}`;
}

/** The report on BGP; `sockets` are tried in order. */
export async function describeBgp(sockets: readonly string[] = SOCKETS): Promise<string> {
  const sessions = await readSessions(sockets);
  if (sessions === undefined) return '\nThe BGP backend process (BIRD) is not running.\n';
  return `${formatSessions(4, sessions)}${formatSessions(6, sessions)}\n`;
}

export const runNodeStatus: Handler = async ({ stdio }) => {
  if (process.getuid?.() !== 0) throw new OcicatError('denied', 'This command must be run as root.');
  if (observeAgents().length === 0) {
    stdio.writeError('Calico process is not running.\n');
    return 1;
  }
  stdio.write('Calico process is running.\n');
  const readiness = await askReadiness();
  if (readiness.kind === 'not-ready') stdio.write(`It is not ready: ${readiness.message}.\n`);
  stdio.write(await describeBgp());
  stdio.write(await describeTunnels());
  stdio.write(describeRoutes());
  stdio.write(await describeRouteFaults());
  stdio.write(await describeMtuOfPools());
  stdio.write(await describeNotes());
  stdio.write(await describeRefused());
  stdio.write(describeForwarding());
  stdio.write(describeTableProtection());
  stdio.write(describeOtherFirewalls());
  return readiness.kind === 'not-ready' ? 1 : 0;
};
