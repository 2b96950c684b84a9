// node run: starts the agent of this host with settings from flags; it runs until it is stopped.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import { flagOn, flagValue, type Handler, type Invocation } from './command.ts';

/** Flags and the environment variables that the agent reads (facts: calico §9.7). */
const SETTINGS: readonly (readonly [flag: string, variable: string])[] = [
  ['ip', 'IP'],
  ['ip6', 'IP6'],
  ['as', 'AS'],
  ['name', 'NODENAME'],
  ['ip-autodetection-method', 'IP_AUTODETECTION_METHOD'],
  ['ip6-autodetection-method', 'IP6_AUTODETECTION_METHOD'],
  ['backend', 'CALICO_NETWORKING_BACKEND'],
];

const BACKENDS = ['bird', 'vxlan', 'none'];

function settingsOf(invocation: Invocation): Readonly<Record<string, string>> {
  const settings: Record<string, string> = {};
  for (const [flag, variable] of SETTINGS) {
    const value = flagValue(invocation, flag);
    if (value !== undefined) settings[variable] = value;
  }
  if (flagOn(invocation, 'no-default-ippools')) settings.NO_DEFAULT_POOLS = 'true';
  const backend = settings.CALICO_NETWORKING_BACKEND;
  if (backend !== undefined && !BACKENDS.includes(backend)) {
    throw new OcicatError('invalid', `node run: --backend is "${backend}", wanted one of ${BACKENDS.join(', ')}`);
  }
  return settings;
}

/** The agent is this program under another name, beside it. */
function findAgent(): readonly string[] {
  const beside = join(dirname(process.execPath), 'calico-node');
  if (existsSync(beside)) return [beside];
  throw new OcicatError('not-found', `node run: there is no agent at "${beside}"`);
}

export const runNode: Handler = async (invocation) => {
  const settings = settingsOf(invocation);
  const dry = flagOn(invocation, 'dryrun');
  if (dry) {
    const words = Object.entries(settings).map(([name, value]) => `${name}='${value.replaceAll("'", "'\\''")}'`);
    invocation.stdio.write(`${[...words, 'calico-node'].join(' ')}\n`);
    return 0;
  }
  if (process.getuid?.() !== 0) throw new OcicatError('denied', 'This command must be run as root.');
  const child = Bun.spawn([...findAgent()], {
    env: { ...invocation.environment, ...settings },
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
  });
  invocation.signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  return child.exited;
};
