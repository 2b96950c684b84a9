// The programs that read and write resources from a command line: ours as built, Calico's own, or etcdctl in its place.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { peerFolder } from './calico-peer.ts';

export interface CtlRun {
  readonly seconds: number;
  /** The most memory that it held at a time (ru_maxrss). */
  readonly peakMb: number;
}

export interface CtlProgram {
  readonly name: string;
  /** Throws when the command fails; undefined for what the program has no counterpart to. */
  run(argv: readonly string[]): CtlRun | undefined;
}

function runTimed(command: readonly string[], environment: Readonly<Record<string, string>>): CtlRun {
  const from = performance.now();
  const result = Bun.spawnSync([...command], { env: { PATH: process.env.PATH, ...environment } });
  const seconds = (performance.now() - from) / 1000;
  if (!result.success) throw new Error(`${command.join(' ')}: ${result.stderr.toString()}`);
  return { seconds, peakMb: Math.round(result.resourceUsage.maxRSS / 1024 / 1024) };
}

/** A program that can do everything. */
interface WholeProgram extends CtlProgram {
  run(argv: readonly string[]): CtlRun;
}

function calicoctl(name: string, path: string, endpoint: string): WholeProgram {
  const environment = { DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: endpoint };
  return { name, run: (argv) => runTimed([path, ...argv], environment) };
}

/** Ours, from dist/. */
export function openOwnCtl(endpoint: string): WholeProgram {
  return calicoctl('Ocicat', join(import.meta.dir, '../../dist/bin/calicoctl'), endpoint);
}

/** Calico's calicoctl where OCICAT_PEERS has it; else nothing to compare with. */
export function openCtlPeer(endpoint: string): CtlProgram {
  const folder = peerFolder();
  const path = folder === undefined ? undefined : join(folder, 'calicoctl');
  if (path !== undefined && existsSync(path)) return calicoctl("Calico's calicoctl", path, endpoint);
  return { name: "Calico's calicoctl", run: () => undefined };
}
