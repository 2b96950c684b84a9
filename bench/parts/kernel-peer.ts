// Felix's own benchmark of its nftables backend, in a network namespace of its own; or what it gave on another machine.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { addNetns, removeAllNetns } from '../../test/support/firewall/firewall-net.ts';
import type { Size } from './kernel-workload.ts';
import { median } from './report.ts';

export type PeerWork = 'delta' | 'chain' | 'resync';

const benchmarks: Readonly<Record<PeerWork, readonly [name: string, times: number, repeats: number]>> = {
  delta: ['BenchmarkDeltaUpdate', 20, 3],
  chain: ['BenchmarkChainUpdate', 20, 3],
  resync: ['BenchmarkResync', 2, 1],
};

/** Milliseconds of Calico's sources of August 2026 on another machine with 2 cores, by number of sets. */
const recorded: Readonly<Record<PeerWork, Readonly<Record<number, number>>>> = {
  delta: { 100: 11.5, 500: 13.2, 2000: 22.6 },
  chain: { 100: 21.1, 500: 20.6, 2000: 29.6 },
  resync: { 100: 283, 500: 1956, 2000: 7540 },
};

export interface PeerTime {
  readonly ms: number;
  readonly name: string;
}

function peerProgram(): string | undefined {
  const folder = process.env.OCICAT_PEERS;
  const path = folder === undefined ? undefined : join(folder, 'felix-nftables.test');
  return path !== undefined && existsSync(path) ? path : undefined;
}

function runBenchmark(program: string, work: PeerWork, { sets }: Size): number {
  const [name, times, repeats] = benchmarks[work];
  const what = ['-test.run', 'none', '-test.bench', `^${name}$/^${sets}sets`];
  const often = ['-test.benchtime', `${times}x`, '-test.count', String(repeats)];
  try {
    const command = ['ip', 'netns', 'exec', addNetns(), program, ...what, ...often];
    const { stdout } = Bun.spawnSync(command, { timeout: 600_000, stderr: 'ignore' });
    const found = [...stdout.toString().matchAll(/^Benchmark.*?([\d.]+) ns\/op/gm)];
    if (found.length === 0) throw new Error(`${program}: no figure of ${name}`);
    return median(found.map(([, nanoseconds]) => Number(nanoseconds))) / 1e6;
  } finally {
    removeAllNetns();
  }
}

/** The median of the means that Go's benchmarks give. */
export function measurePeer(work: PeerWork, size: Size): PeerTime {
  const program = peerProgram();
  if (program !== undefined) return { ms: runBenchmark(program, work, size), name: "Felix's nftables backend" };
  const ms = recorded[work][size.sets];
  if (ms === undefined) throw new Error(`nothing is recorded of ${work} at ${size.sets} sets`);
  return { ms, name: "Felix's nftables backend, recorded on another machine (it is not on this one)" };
}
