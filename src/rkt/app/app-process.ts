// One app's process: started by crun inside the pod's namespaces, then a child of the runner.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import type { ChildEnd } from '../../sys/libc.ts';
import { systemEnvironment, systemProgram } from '../../sys/programs.ts';
import { appPath } from '../store/rootfs.ts';
import type { Reaper } from './reaper.ts';

/** Standard input, output and error of a new process: a descriptor, the runner's own, or /dev/null. */
type AppOutput = number | 'inherit' | 'ignore';
type AppStdio = readonly ['ignore' | 'inherit', AppOutput, AppOutput];

/** An app as crun knows it. */
export interface AppContainer {
  readonly name: string;
  readonly podPath: string;
  readonly uuid: string;
}

export interface AppLaunch extends AppContainer {
  /** Descriptors by which a process joins the app's control groups. */
  readonly groupFds: readonly number[];
  /** crun stays and carries the terminal's bytes. */
  readonly terminal: boolean;
  readonly stdio: AppStdio;
}

export interface AppProcess {
  readonly name: string;
  /** As the host sees it; undefined when there never was one. */
  readonly pid: number | undefined;
  /** Inside the pod. */
  readonly podPid: number;
  readonly ended: Promise<ChildEnd>;
}

export type Launched =
  | { readonly kind: 'running'; readonly process: AppProcess }
  /** The program could not be executed. */
  | { readonly kind: 'unusable'; readonly reason: string };

/** File with the app's process id, as the host sees it. */
export function pidPath(podPath: string, app: string): string {
  return join(appPath(podPath, app), 'pid');
}

/** The process's id in the innermost pid namespace it is in. */
function innermostPid(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^NSpid:.*\t(\d+)$/m.exec(status)?.[1] ?? pid);
}

/** The container's name for crun. */
export function containerId(uuid: string, app: string): string {
  return `${uuid}-${app}`;
}

/** The command line before any of crun's commands on an app of the pod; its control groups are ours to make. */
export function crunArgv(podPath: string, ...options: readonly string[]): readonly string[] {
  return [systemProgram('crun'), '--root', join(podPath, 'crun'), '--cgroup-manager', 'disabled', ...options];
}

function crunCommand({ podPath, name, uuid }: AppContainer, ...args: readonly string[]): readonly string[] {
  const log = join(appPath(podPath, name), 'crun.log');
  return [...crunArgv(podPath, '--log', log), ...args, containerId(uuid, name)];
}

function bundleArgs({ podPath, name }: AppContainer): readonly string[] {
  return ['--bundle', appPath(podPath, name), '--pid-file', pidPath(podPath, name)];
}

/** Standard streams come before it. */
const FIRST_GROUP_FD = 3;

/**
 * The command by way of a shell that joins the groups behind the descriptors from 3 on, and gives those up: a process that
 * is moved later has had children, or used memory, outside.
 */
function joiningGroups(groupFds: readonly number[], command: readonly string[]): readonly string[] {
  if (groupFds.length === 0) return command;
  const fds = groupFds.map((_, index) => FIRST_GROUP_FD + index);
  const joins = fds.map((fd) => `echo 0 >&${fd} && exec ${fd}>&-`);
  return ['/bin/sh', '-c', `${joins.join(' && ')} && exec "$@"`, 'sh', ...command];
}

/** The last message in the log of crun. */
function lastMessageOf(launch: AppContainer): string {
  const path = join(appPath(launch.podPath, launch.name), 'crun.log');
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return (lines.at(-1) ?? '').replace(/^\S*T\S*Z: /, '');
}

/** crun's message for a failed execve: the program, or its interpreter, is missing or not one. */
const EXEC_FAILURE = /^exec(?:v[pe]*|utable file)?\b/i;

function judgeFailure(launch: AppLaunch): Launched {
  const message = lastMessageOf(launch);
  if (EXEC_FAILURE.test(message)) return { kind: 'unusable', reason: `Error: ${message}` };
  throw new OcicatError('unavailable', `start app "${launch.name}": ${message}`);
}

/** crun making the app's container, from within the app's control groups. */
function spawnMaker(launch: AppLaunch, ...args: readonly string[]) {
  const command = crunCommand(launch, ...args, ...bundleArgs(launch));
  return Bun.spawn([...joiningGroups(launch.groupFds, command)], {
    env: systemEnvironment,
    cwd: '/',
    stdio: [...launch.stdio, ...launch.groupFds],
    // Out of reach of what is sent to the runner's process group; a terminal's sizes are sent there too.
    detached: !launch.terminal,
  });
}

function processOf(launch: AppLaunch, reaper: Reaper): Launched {
  const pid = Number(readFileSync(pidPath(launch.podPath, launch.name), 'utf8'));
  return {
    kind: 'running',
    process: { name: launch.name, pid, podPid: innermostPid(pid), ended: reaper.wait(pid) },
  };
}

/** Starts the app; its process is reaped by `reaper`. Throws when crun cannot make the container. */
export async function launchApp(launch: AppLaunch, reaper: Reaper): Promise<Launched> {
  if (launch.terminal) return attachedApp(launch, spawnMaker(launch, 'run'));
  const maker = spawnMaker(launch, 'run', '--detach');
  return (await maker.exited) === 0 ? processOf(launch, reaper) : judgeFailure(launch);
}

/** Makes the app's container; its process waits, without any right that the app is not to have, for `beginApp`. */
export async function createApp(launch: AppLaunch, reaper: Reaper): Promise<Launched> {
  const maker = spawnMaker(launch, 'create');
  return (await maker.exited) === 0 ? processOf(launch, reaper) : judgeFailure(launch);
}

/** Lets the program of a created app run. */
export async function beginApp(container: AppContainer): Promise<void> {
  const starter = Bun.spawn([...crunCommand(container, 'start')], {
    env: systemEnvironment,
    cwd: '/',
    stdin: 'ignore',
    detached: true,
  });
  if ((await starter.exited) === 0) return;
  throw new OcicatError('unavailable', `start app "${container.name}": ${lastMessageOf(container)}`);
}

/** crun itself stands for the app: it ends with the app's status, or 128 and the signal. */
async function attachedApp(launch: AppLaunch, crun: { pid: number; exited: Promise<number> }): Promise<Launched> {
  const ended = crun.exited.then((status): ChildEnd => ({ kind: 'exited', status }));
  return { kind: 'running', process: { name: launch.name, pid: crun.pid, podPid: 0, ended } };
}

/**
 * What rkt makes of an end: the exit status, or the bare number of the signal. Source: rkt v1.30.0,
 * stage1/reaper/reaper.sh.
 */
export function statusOf(end: ChildEnd): number {
  return end.kind === 'exited' ? end.status : end.signal;
}
