// Calico's own plugin and Felix on a lab's host, in network namespaces of their own, where OCICAT_PEERS names a folder with them.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Convergence, ConvergeWork } from './converge.ts';
import { copyToHost, runOnHost } from './lab.ts';
import { installPackages } from './packages.ts';

/** The folder, or undefined where it is not. */
export function peerFolder(): string | undefined {
  const folder = process.env.OCICAT_PEERS;
  return folder !== undefined && existsSync(join(folder, 'felix')) ? folder : undefined;
}

/** Where the peers are on a lab's host, whose /tmp is its own. */
const ON_HOST = '/var/lib/ocicat-peers';
const PROGRAMS = ['calicoctl', 'calico', 'calico-ipam', 'felix'];

async function runInside(
  lab: string,
  what: 'cni' | 'agent' | 'converge',
  endpoints: number,
  policies = 0,
): Promise<unknown> {
  const folder = peerFolder();
  if (folder === undefined) return undefined;
  installPackages(['ipset']); // Felix calls it
  await copyToHost(lab, folder, PROGRAMS, ON_HOST);
  return runOnHost(lab, 'calico-inside.ts', [ON_HOST, what, String(endpoints), String(policies)]);
}

export interface PeerCniTimes {
  readonly add: readonly number[];
  readonly del: readonly number[];
}

/** Milliseconds of ADD and DEL, one after the other; undefined without the peers. */
export async function runPeerCni(lab: string, containers: number): Promise<PeerCniTimes | undefined> {
  return (await runInside(lab, 'cni', containers)) as PeerCniTimes | undefined;
}

export interface PeerAgentFigures {
  readonly residentMb: number;
  readonly cpuPercent: number;
}

/** Felix with as many idle endpoints; undefined without the peers. */
export async function runPeerAgent(lab: string, endpoints: number): Promise<PeerAgentFigures | undefined> {
  return (await runInside(lab, 'agent', endpoints)) as PeerAgentFigures | undefined;
}

/** Felix, from `apply` of so many policies over so many endpoints; undefined without the peers. */
export async function runPeerConvergence(
  lab: string,
  { policies, endpoints }: ConvergeWork,
): Promise<Convergence | undefined> {
  return (await runInside(lab, 'converge', endpoints, policies)) as Convergence | undefined;
}
