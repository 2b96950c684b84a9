// Pods on disk: a pod's state is its phase, which is the directory it is in, and whether a living process holds a lock on it.
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { isErrno } from '../../sys/errno.ts';
import * as libc from '../../sys/libc.ts';
import { syncDirectory } from '../../sys/replace-file.ts';
import { isUuid, resolveUuid } from '../cli/uuid.ts';

/**
 * Phases of a pod in their order, each a directory below DATA/pods. Source: rkt v1.30.0,
 * Documentation/devel/pod-lifecycle.md.
 */
const phases = ['embryo', 'prepare', 'prepared', 'run', 'exited-garbage', 'garbage'] as const;
export type Phase = (typeof phases)[number];

export type PodState =
  | 'embryo'
  | 'preparing'
  | 'aborted prepare'
  | 'prepared'
  | 'running'
  | 'deleting'
  | 'exited deleting'
  | 'exited'
  | 'exited garbage'
  | 'garbage';

/** A pod as it was seen; it may have moved on since. */
export interface Pod {
  readonly uuid: string;
  readonly phase: Phase;
  readonly path: string;
  readonly state: PodState;
}

/** A pod whose lock this process holds. */
export interface HeldPod {
  readonly uuid: string;
  readonly path: string;
  /** Locked descriptor of the pod's directory; a process that inherits it keeps the pod locked. */
  readonly lockFd: number;
  /** Moves the directory, durably. Returns the pod at its new path; this one must not be used any more. */
  moveTo(phase: Phase): HeldPod;
  /** Gives up the lock. */
  close(): void;
}

const states: Readonly<Record<Phase, readonly [unlocked: PodState, locked: PodState]>> = {
  embryo: ['embryo', 'embryo'],
  prepare: ['aborted prepare', 'preparing'],
  prepared: ['prepared', 'prepared'],
  run: ['exited', 'running'],
  'exited-garbage': ['exited garbage', 'exited deleting'],
  garbage: ['garbage', 'deleting'],
};

/** Mode of the directories that hold pods. Source: rkt v1.30.0, pkg/pod/pods.go. */
const PHASE_MODE = 0o750;

function phasePath(dataDir: string, phase: Phase): string {
  return join(dataDir, 'pods', phase);
}

function openDirectory(path: string): number {
  return libc.open(path, libc.O_RDONLY | libc.O_DIRECTORY | libc.O_NOFOLLOW | libc.O_CLOEXEC);
}

/** Whether somebody holds the pod in that directory; undefined if there is none. */
export function observeHeld(path: string): boolean | undefined {
  try {
    const fd = openDirectory(path);
    const free = libc.flock(fd, libc.LOCK_SH | libc.LOCK_NB);
    libc.close(fd);
    return !free;
  } catch (error) {
    if (isOcicatError(error, 'kernel') && error.errno === libc.ENOENT) return undefined;
    throw error;
  }
}

/** The pod as it is now; undefined if it is not, or no longer, in that phase. */
function observePod(dataDir: string, phase: Phase, uuid: string): Pod | undefined {
  const path = join(phasePath(dataDir, phase), uuid);
  const held = observeHeld(path);
  return held === undefined ? undefined : { uuid, phase, path, state: states[phase][held ? 1 : 0] };
}

/** None where there is no directory. Throws `denied` where this user may not look, as that is not the same as no pods. */
function uuidsIn(dataDir: string, phase: Phase): readonly string[] {
  const path = phasePath(dataDir, phase);
  try {
    return readdirSync(path).filter(isUuid);
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return [];
    throw new OcicatError(isErrno(cause, 'EACCES') ? 'denied' : 'unavailable', `read pods of "${path}"`, { cause });
  }
}

/** Pods in the given phases, sorted by UUID. A pod that moves meanwhile is seen once, where it was seen last. */
export function observePods(dataDir: string, among: readonly Phase[] = phases): readonly Pod[] {
  const seen = new Map<string, Pod>();
  for (const phase of among) {
    for (const uuid of uuidsIn(dataDir, phase)) {
      const pod = observePod(dataDir, phase, uuid);
      if (pod !== undefined) seen.set(uuid, pod);
    }
  }
  return [...seen.values()].sort((a, b) => (a.uuid < b.uuid ? -1 : 1));
}

/** Phases whose pods a command can name. Source: rkt v1.30.0, pkg/pod/uuid.go. */
export const nameable: readonly Phase[] = ['prepare', 'prepared', 'run', 'exited-garbage'];

/** The pod that a UUID or its prefix names. Throws as resolveUuid does. */
export function findPod(dataDir: string, prefix: string): Pod {
  const known = nameable.flatMap((phase) => uuidsIn(dataDir, phase).map((uuid) => ({ uuid, phase })));
  const uuid = resolveUuid(prefix, [...new Set(known.map((pod) => pod.uuid))]);
  const pod = observePods(dataDir, phases).find((one) => one.uuid === uuid);
  if (pod === undefined) throw new OcicatError('not-found', `no matches found for "${prefix.toLowerCase()}"`);
  return pod;
}

function holdPod(dataDir: string, uuid: string, path: string, lockFd: number): HeldPod {
  return {
    uuid,
    path,
    lockFd,
    moveTo(phase) {
      const target = phasePath(dataDir, phase);
      mkdirSync(target, { recursive: true, mode: PHASE_MODE });
      renameSync(path, join(target, uuid));
      syncDirectory(target);
      return holdPod(dataDir, uuid, join(target, uuid), lockFd);
    },
    close: () => libc.close(lockFd),
  };
}

/** Makes an empty pod, locked, in `prepare`. A crash before that leaves an embryo, which gc removes. */
export function createPod(dataDir: string, uuid: string): HeldPod {
  const path = join(phasePath(dataDir, 'embryo'), uuid);
  mkdirSync(phasePath(dataDir, 'embryo'), { recursive: true, mode: PHASE_MODE });
  mkdirSync(path, { mode: PHASE_MODE });
  const lockFd = openDirectory(path);
  libc.flock(lockFd, libc.LOCK_EX);
  return holdPod(dataDir, uuid, path, lockFd).moveTo('prepare');
}

/** A reader that probes a pod's state holds a shared lock for some microseconds. */
const LOCK_ATTEMPTS = 20;
const LOCK_PAUSE_MS = 2;

function tryLockExclusively(fd: number): boolean {
  for (let attempt = 0; attempt < LOCK_ATTEMPTS; attempt++) {
    if (libc.flock(fd, libc.LOCK_EX | libc.LOCK_NB)) return true;
    Bun.sleepSync(LOCK_PAUSE_MS);
  }
  return false;
}

/** Locks a pod that nobody holds; undefined if somebody does or it has moved since it was seen. */
export function tryHoldPod(dataDir: string, pod: Pod): HeldPod | undefined {
  let fd: number;
  try {
    fd = openDirectory(pod.path);
  } catch (error) {
    if (isOcicatError(error, 'kernel') && error.errno === libc.ENOENT) return undefined;
    throw error;
  }
  if (tryLockExclusively(fd)) {
    const again = observePod(dataDir, pod.phase, pod.uuid);
    if (again !== undefined) return holdPod(dataDir, pod.uuid, pod.path, fd);
  }
  libc.close(fd);
  return undefined;
}
