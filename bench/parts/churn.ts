// Containers that come and go one after the other, as they do on a host for months: each a new one, in one namespace.
import { readdirSync, readFileSync } from 'node:fs';
import { type Container, OURS, timeCall } from './cni-calls.ts';
import { residentMb } from './process-figures.ts';

export interface Pair {
  readonly addMs: number;
  readonly delMs: number;
  /** The agent's resident memory after it. */
  readonly agentMb: number;
}

/** ADD and DEL of a container that never was before, in the namespace of `place`. */
export function runPair(place: Container, agent: number): Pair {
  const container = { ...place, id: crypto.randomUUID().replaceAll('-', '') };
  const addMs = timeCall(OURS, 'ADD', container);
  const delMs = timeCall(OURS, 'DEL', container);
  return { addMs, delMs, agentMb: residentMb(agent) };
}

export function countThreads(pid: number): number {
  return Number(/^Threads:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

export function countDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
