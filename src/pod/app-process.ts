// One app's process: started by crun inside the pod's namespaces, then a child of the runner.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import type { ChildEnd } from '../sys/libc.ts';
import { systemEnvironment, systemProgram } from './programs.ts';
import type { Reaper } from './reaper.ts';
import { appPath } from './rootfs.ts';

/** Standard input, output and error of a new process: a descriptor, the runner's own, or /dev/null. */
export type AppStdio = readonly ['ignore' | 'inherit', number | 'inherit', number | 'inherit'];

export interface AppLaunch {
  readonly name: string;
  readonly podPath: string;
  readonly uuid: string;
  /** Descriptors by which a process joins the app's control groups. */
  readonly entrances: readonly number[];
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
  | { readonly kind: 'unusable'; readonly words: string };

/** File with the app's process id, as the host sees it. */
export function pidPath(podPath: string, app: string): string {
  return join(appPath(podPath, app), 'pid');
}

/** The process's id in the innermost pid namespace it is in. */
function innermostPid(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^NSpid:.*\t(\d+)$/m.exec(status)?.[1] ?? pid);
}

function crunCommand(launch: AppLaunch): readonly string[] {
  const { podPath, name } = launch;
  const directory = appPath(podPath, name);
  const where = ['--root', join(podPath, 'crun'), '--cgroup-manager', 'disabled', '--log', join(directory, 'crun.log')];
  const how = ['--bundle', directory, '--pid-file', pidPath(podPath, name), ...(launch.terminal ? [] : ['--detach'])];
  return [systemProgram('crun'), ...where, 'run', ...how, `${launch.uuid}-${name}`];
}

/** Standard streams come before it. */
const FIRST_ENTRANCE = 3;

/**
 * The command by way of a shell that joins the groups behind the descriptors from 3 on, and gives those up: a process that
 * is moved later has had children, or used memory, outside.
 */
function joiningGroups(entrances: readonly number[], command: readonly string[]): readonly string[] {
  if (entrances.length === 0) return command;
  const fds = entrances.map((_, index) => FIRST_ENTRANCE + index);
  const joins = fds.map((fd) => `echo 0 >&${fd} && exec ${fd}>&-`);
  return ['/bin/sh', '-c', `${joins.join(' && ')} && exec "$@"`, 'sh', ...command];
}

/** The last thing that crun complained about. */
function crunWords(launch: AppLaunch): string {
  const path = join(appPath(launch.podPath, launch.name), 'crun.log');
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return (lines.at(-1) ?? '').replace(/^\S*T\S*Z: /, '');
}

/** crun's words for a failed execve: the program, or its interpreter, is missing or not one. */
const EXEC_FAILURE = /^exec(?:v[pe]*|utable file)?\b/i;

function judgeFailure(launch: AppLaunch): Launched {
  const words = crunWords(launch);
  if (EXEC_FAILURE.test(words)) return { kind: 'unusable', words: `Error: ${words}` };
  throw new OcicatError('unavailable', `start app "${launch.name}": ${words}`);
}

/** Starts the app; its process is reaped by `reaper`. Throws when crun cannot make the container. */
export async function launchApp(launch: AppLaunch, reaper: Reaper): Promise<Launched> {
  const child = Bun.spawn([...joiningGroups(launch.entrances, crunCommand(launch))], {
    env: systemEnvironment,
    cwd: '/',
    stdio: [...launch.stdio, ...launch.entrances],
  });
  if (launch.terminal) return attachedApp(launch, child);
  if ((await child.exited) !== 0) return judgeFailure(launch);
  const pid = Number(readFileSync(pidPath(launch.podPath, launch.name), 'utf8'));
  return {
    kind: 'running',
    process: { name: launch.name, pid, podPid: innermostPid(pid), ended: reaper.wait(pid) },
  };
}

/** crun itself stands for the app: it ends with the app's status, or 128 and the signal. */
async function attachedApp(launch: AppLaunch, crun: { pid: number; exited: Promise<number> }): Promise<Launched> {
  const ended = crun.exited.then((status): ChildEnd => ({ kind: 'exited', status }));
  return { kind: 'running', process: { name: launch.name, pid: crun.pid, podPid: 0, ended } };
}

/** What rkt makes of an end: the exit status, or the bare number of the signal. Source: facts §3.6. */
export function statusOf(end: ChildEnd): number {
  return end.kind === 'exited' ? end.status : end.signal;
}
