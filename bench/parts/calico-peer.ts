// Calico's own plugin and Felix on a lab's host, in network namespaces of their own, where OCICAT_PEERS names a folder with them.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runOnHost } from './lab.ts';

/** The folder, or undefined where it is not. */
export function peerFolder(): string | undefined {
  const folder = process.env.OCICAT_PEERS;
  return folder !== undefined && existsSync(join(folder, 'felix')) ? folder : undefined;
}

export interface PeerCniTimes {
  readonly add: readonly number[];
  readonly del: readonly number[];
}

/** Milliseconds of ADD and DEL, one after the other; undefined without the peers. */
export async function runPeerCni(lab: string, containers: number): Promise<PeerCniTimes | undefined> {
  const folder = peerFolder();
  if (folder === undefined) return undefined;
  return (await runOnHost(lab, 'calico-inside.ts', [folder, 'cni', String(containers)])) as PeerCniTimes;
}

export interface PeerAgentFigures {
  readonly residentMb: number;
  readonly cpuPercent: number;
}

/** Felix with as many idle endpoints; undefined without the peers. */
export async function runPeerAgent(lab: string, endpoints: number): Promise<PeerAgentFigures | undefined> {
  const folder = peerFolder();
  if (folder === undefined) return undefined;
  return (await runOnHost(lab, 'calico-inside.ts', [folder, 'agent', String(endpoints)])) as PeerAgentFigures;
}
