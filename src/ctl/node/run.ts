// node run: starts the agent of this host with settings from flags, and says whether it works (Calico v3.33,
// calicoctl/calicoctl/commands/node).
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import { isDatastoreVariable } from '../../datastore/open/config.ts';
import { followMove, loadDatastoreConfig } from '../../datastore/open/open.ts';
import { openLogFile } from '../../sys/files.ts';
import { describeOtherBirds, describeOtherEtcds } from '../../sys/other-daemons.ts';
import { hasEnded, signalProcess } from '../../sys/processes.ts';
import { replaceFile } from '../../sys/replace-file.ts';
import { flagOn, flagValue, type Handler, type Invocation } from '../cli/command.ts';
import { sleep } from '../cli/time.ts';
import { DEFAULT_CONFIG_PATH } from '../store/store.ts';
import { observeAgents, observeAgentUnit } from './agent-process.ts';
import { askReadiness } from './agent-readiness.ts';
import {
  type AgentCommand,
  computeHostCommand,
  computePodCommand,
  formatCommand,
  logFileOf,
  type NodeRunSettings,
  printSecrets,
  withTransport,
} from './run-command.ts';

/** Flags and the environment variables that the agent reads (Calico v3.33, node/pkg/lifecycle/startup/startup.go). */
const SETTINGS: readonly (readonly [flag: string, variable: string])[] = [
  ['ip', 'IP'],
  ['ip6', 'IP6'],
  ['as', 'AS'],
  ['name', 'NODENAME'],
  ['take-over', 'CALICO_NODE_TAKEOVER'],
  ['ip-autodetection-method', 'IP_AUTODETECTION_METHOD'],
  ['ip6-autodetection-method', 'IP6_AUTODETECTION_METHOD'],
  ['backend', 'CALICO_NETWORKING_BACKEND'],
];

const BACKENDS = ['bird', 'vxlan', 'none'];
const RUN_DIRECTORY = '/var/run/calico';
const SECRETS_FILE = join(RUN_DIRECTORY, 'node-run.env');
const DEFAULT_LOG_DIRECTORY = '/var/log/calico';
/** An image may have to be fetched first. */
const START_TIMEOUT_MS = 60_000;
/** How long an agent that is told to end may take. */
const STOP_TIMEOUT_MS = 15_000;
const POLL_MS = 100;
/** Lines of the log that a failure shows. */
const LAST_LINES = 5;

function variablesOf(invocation: Invocation): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {};
  for (const [flag, variable] of SETTINGS) {
    const value = flagValue(invocation, flag);
    if (value !== undefined) variables[variable] = value;
  }
  if (flagOn(invocation, 'no-default-ippools')) variables.NO_DEFAULT_POOLS = 'true';
  const backend = variables.CALICO_NETWORKING_BACKEND;
  if (backend !== undefined && !BACKENDS.includes(backend)) {
    throw new OcicatError('invalid', `node run: --backend is "${backend}", wanted one of ${BACKENDS.join(', ')}`);
  }
  return variables;
}

function readFelixConfig(invocation: Invocation): string | undefined {
  const path = flagValue(invocation, 'felix-config');
  if (path === undefined) return undefined;
  if (existsSync(path)) return resolve(path);
  throw new OcicatError('not-found', `node run: --felix-config is "${path}": there is no such file`);
}

async function readSettings(invocation: Invocation): Promise<NodeRunSettings> {
  const config = flagValue(invocation, 'config');
  return {
    variables: variablesOf(invocation),
    datastore: await loadDatastoreConfig(config ?? DEFAULT_CONFIG_PATH, config !== undefined, invocation.environment),
    logDirectory: resolve(flagValue(invocation, 'log-dir') ?? DEFAULT_LOG_DIRECTORY),
    felixConfig: readFelixConfig(invocation),
  };
}

function commandOf(invocation: Invocation, settings: NodeRunSettings): AgentCommand {
  const image = flagValue(invocation, 'node-image');
  if (image === undefined) return computeHostCommand(settings, process.execPath);
  return computePodCommand(settings, image, process.execPath, SECRETS_FILE);
}

/** The directories that a pod shares with the host, and the file with its secrets, which root alone may read. */
function prepareHost(settings: NodeRunSettings): void {
  for (const path of [RUN_DIRECTORY, '/var/lib/calico', settings.logDirectory]) mkdirSync(path, { recursive: true });
  const secrets = printSecrets(settings);
  if (secrets !== '') replaceFile(SECRETS_FILE, secrets, 0o600);
}

/** Before anything is stopped: settings that nobody can start with must not cost the host its agent. Throws `invalid`. */
async function checkSettings(invocation: Invocation, command: AgentCommand): Promise<void> {
  const child = Bun.spawn([...command.argv, '--check'], {
    env: environmentOf(invocation, command),
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  });
  const [output, status] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  if (status !== 0) throw new OcicatError('invalid', `node run: ${output.trimEnd()}`);
}

/** Said, not refused: the agent works beside them, badly. */
async function warnOfOthers({ stdio }: Invocation, { datastore, variables }: NodeRunSettings): Promise<void> {
  const { servers } = await followMove(datastore);
  const others = [
    ...(variables.CALICO_NETWORKING_BACKEND === 'none' ? [] : describeOtherBirds()),
    ...(servers.kind === 'private' ? describeOtherEtcds() : []),
  ];
  for (const line of others) stdio.writeError(`WARNING: ${line}\n`);
}

/** Before anything is stopped: an image that cannot be had must not cost the host its agent. Throws `unavailable`. */
async function fetchImage(program: string, image: string): Promise<void> {
  const child = Bun.spawn([program, 'fetch', withTransport(image)], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'inherit',
  });
  if ((await child.exited) !== 0) throw new OcicatError('unavailable', `node run: image "${image}" cannot be fetched`);
}

/** A unit would start its agent again beside the new one. Throws `already-exists`. */
function refuseUnit(): void {
  const unit = observeAgentUnit(observeAgents());
  if (unit === undefined) return;
  throw new OcicatError(
    'already-exists',
    `node run: the agent of this host runs as ${unit}: "systemctl restart ${unit}" starts it anew, ` +
      `"systemctl disable --now ${unit}" makes room for this command`,
  );
}

/** Ends the agents of this host, as an update of one does: the data plane stays. Throws `timeout`. */
async function stopAgents(invocation: Invocation): Promise<void> {
  const { stdio, signal } = invocation;
  const stopped = observeAgents();
  for (const pid of stopped) {
    stdio.write(`Stopping calico-node (process ${pid}).\n`);
    signalProcess(pid, 'SIGTERM');
  }
  for (let waitedMs = 0; !stopped.every(hasEnded) || observeAgents().length > 0; waitedMs += POLL_MS) {
    if (waitedMs >= STOP_TIMEOUT_MS) {
      const message = `node run: calico-node still runs ${STOP_TIMEOUT_MS / 1000} s after SIGTERM`;
      throw new OcicatError('timeout', `${message}; if an init system starts it again, stop it there`);
    }
    await sleep(POLL_MS, signal);
  }
}

/** The caller's own environment with what the command sets; what it says about the datastore is all there is. */
function environmentOf(
  { environment }: Invocation,
  { variables }: AgentCommand,
): Readonly<Record<string, string | undefined>> {
  const own = Object.entries(environment).filter(([name]) => !isDatastoreVariable(name));
  return { ...Object.fromEntries(own), CALICO_STARTED_BY: 'calicoctl node run', ...variables };
}

async function isReady(): Promise<boolean> {
  const readiness = await askReadiness();
  if (readiness.kind !== 'no-plugin') return readiness.kind === 'ready';
  throw new OcicatError('not-found', `node run: no plugin at ${readiness.paths.join(' or ')}`);
}

/** The last lines that were written to the log behind a place in it. */
function readLogTail(logFile: string, start: number): string {
  const lines = readFileSync(logFile).subarray(start).toString('utf8').trimEnd().split('\n');
  return lines.slice(-LAST_LINES).join('\n');
}

/**
 * In the background, until it works; throws `unavailable` with its last words when it ends, `timeout` when it does not get
 * there.
 */
async function runDetached(invocation: Invocation, settings: NodeRunSettings, command: AgentCommand): Promise<number> {
  const { stdio, signal } = invocation;
  const logFile = logFileOf(settings);
  const log = openLogFile(logFile, 0o644);
  const start = statSync(logFile).size;
  stdio.write(`Starting calico-node; its log is ${logFile}\n`);
  const child = Bun.spawn([...command.argv], {
    env: environmentOf(invocation, command),
    stdio: ['ignore', log, log],
    detached: true,
  });
  child.unref();
  for (let waitedMs = 0; !(await isReady()); waitedMs += POLL_MS) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new OcicatError('unavailable', `node run: calico-node has ended:\n${readLogTail(logFile, start)}`);
    }
    if (waitedMs >= START_TIMEOUT_MS) {
      const message = `node run: calico-node is not ready after ${START_TIMEOUT_MS / 1000} s; it goes on:`;
      throw new OcicatError('timeout', `${message}\n${readLogTail(logFile, start)}`);
    }
    await sleep(POLL_MS, signal);
  }
  stdio.write('Calico node started successfully\n');
  return 0;
}

/** For an init system: in the foreground, until it ends or this command is told to. */
async function runAttached(invocation: Invocation, command: AgentCommand): Promise<number> {
  const child = Bun.spawn([...command.argv], {
    env: environmentOf(invocation, command),
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
  });
  invocation.signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  return child.exited;
}

export const runNode: Handler = async (invocation) => {
  const settings = await readSettings(invocation);
  const command = commandOf(invocation, settings);
  if (flagOn(invocation, 'dryrun')) {
    invocation.stdio.write(`${formatCommand(command)}\n`);
    return 0;
  }
  if (process.getuid?.() !== 0) throw new OcicatError('denied', 'This command must be run as root.');
  refuseUnit();
  const [program = ''] = command.argv;
  if (!existsSync(program)) throw new OcicatError('not-found', `node run: there is no program at "${program}"`);
  const image = flagValue(invocation, 'node-image');
  if (image === undefined) await checkSettings(invocation, command);
  else await fetchImage(program, image);
  await warnOfOthers(invocation, settings);
  await stopAgents(invocation);
  prepareHost(settings);
  return flagOn(invocation, 'init-system')
    ? runAttached(invocation, command)
    : runDetached(invocation, settings, command);
};
