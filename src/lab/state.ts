// A running lab as the machine sees it: one file that names the processes whose namespaces it is.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import { parseDocument } from '../schema/parse.ts';
import { boolean, integer, text } from '../schema/scalars.ts';
import { map, object, type Schema } from '../schema/schema.ts';
import { tryOpenExclusiveLock } from '../sys/lock.ts';
import { isAlive, type ProcessIdentity, signalProcess } from '../sys/processes.ts';
import { removeTree } from '../sys/remove-tree.ts';
import { replaceFile } from '../sys/replace-file.ts';
import type { LabPlan } from './plan.ts';
import { labPlan } from './plan-file.ts';

const STATE_ROOT = '/run/ocicat/labs';

export interface LabState {
  readonly plan: LabPlan;
  /** Process 1 of the lab's own PID namespace: when it ends, everything in the lab ends. */
  readonly init: ProcessIdentity;
  /** Process 1 of each host, by host name. */
  readonly hosts: Readonly<Record<string, ProcessIdentity>>;
  /** False while it is being brought up, and for ever when whoever did that was killed. */
  readonly complete: boolean;
}

const processIdentity = object({ pid: integer(1, 2 ** 31 - 1), startTicks: text({ pattern: /^\d+$/ }) });
const labState: Schema<LabState> = object({
  plan: labPlan,
  init: processIdentity,
  hosts: map(text(), processIdentity),
  complete: boolean,
});

const labProcesses: Schema<Pick<LabState, 'init' | 'hosts'>> = object({
  init: processIdentity,
  hosts: map(text(), processIdentity),
});

function stateDirectory(name: string): string {
  return join(STATE_ROOT, name);
}

function tryReadFile<T extends Pick<LabState, 'init'>>(
  name: string,
  schema: Schema<T>,
  mode: 'closed' | 'open',
): T | undefined {
  const file = join(stateDirectory(name), 'lab.json');
  if (!existsSync(file)) return undefined;
  const state = parseDocument(`lab state "${file}"`, readFileSync(file, 'utf8'), schema, mode);
  return isAlive(state.init) ? state : undefined;
}

/** The lab's state, or undefined when it is not up; a killed lab's left-over file counts as not up. */
export function tryReadState(name: string): LabState | undefined {
  return tryReadFile(name, labState, 'closed');
}

/** Of a lab that is up, also of one that another version of this program has brought up. */
export function tryReadProcesses(name: string): Pick<LabState, 'init' | 'hosts'> | undefined {
  return tryReadFile(name, labProcesses, 'open');
}

/** As tryReadState; throws `not-found` naming the way to bring it up. */
export function readState(name: string): LabState {
  const state = tryReadState(name);
  if (state?.complete === true) return state;
  const flag = name === 'default' ? '' : ` --name ${name}`;
  throw new OcicatError('not-found', `lab "${name}": it is not up (start it with "ocicat lab up${flag}")`);
}

export function writeState(state: LabState): void {
  const directory = stateDirectory(state.plan.name);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  replaceFile(join(directory, 'lab.json'), `${JSON.stringify(state, undefined, 2)}\n`, 0o600);
}

export function removeState(name: string): void {
  removeTree(stateDirectory(name));
  if (existsSync(STATE_ROOT) && readdirSync(STATE_ROOT).length === 0) rmdirSync(STATE_ROOT);
}

/** Names of the labs that are up, sorted. */
export function listLabs(): readonly string[] {
  if (!existsSync(STATE_ROOT)) return [];
  return readdirSync(STATE_ROOT)
    .filter((name) => tryReadProcesses(name) !== undefined)
    .sort();
}

/** Names of the hosts of all labs that are up. */
export function listHosts(): readonly string[] {
  return [...new Set(listLabs().flatMap((name) => Object.keys(tryReadProcesses(name)?.hosts ?? {})))];
}

/** Takes the right to start or stop a lab; throws `conflict` while another process has it. Ends with release or with this process. */
export function lockLab(name: string): { release(): void } {
  mkdirSync('/run/ocicat', { recursive: true, mode: 0o755 });
  const path = `/run/ocicat/lab-${name}.lock`;
  const lock = tryOpenExclusiveLock(path);
  if (lock === undefined) {
    throw new OcicatError('conflict', `lab "${name}": another "ocicat lab" is starting or stopping it`);
  }
  return {
    release() {
      rmSync(path, { force: true });
      lock.close();
    },
  };
}

/** Ends a lab by its first process and waits up to timeoutMs for it to be gone. */
export async function endLab(init: ProcessIdentity, name: string, timeoutMs: number): Promise<void> {
  if (isAlive(init)) signalProcess(init.pid, 'SIGKILL');
  for (let waitedMs = 0; isAlive(init); waitedMs += 10) {
    if (waitedMs > timeoutMs) throw new OcicatError('timeout', `lab "${name}": its processes did not end`);
    await Bun.sleep(10);
  }
}
