// How soon the kernel has the routes to one node of a large cluster with VXLAN: with nodes that are on paper alone.
import { join } from 'node:path';
import type { ManyNodesFigures } from './many-nodes-inside.ts';
import { median, report, round } from './report.ts';

const SIZES = [100, 1_000] as const;
/** In milliseconds. */
const WANTED = 1_000;

function measure(nodes: number): ManyNodesFigures {
  const command = [process.execPath, join(import.meta.dir, 'many-nodes-inside.ts'), String(nodes)];
  const { exitCode, stdout } = Bun.spawnSync(command, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 300_000 });
  if (exitCode !== 0) throw new Error(`${command.join(' ')}: exit status ${exitCode}`);
  return JSON.parse(stdout.toString());
}

/** A line for each size; what counts is the slowest of the nodes that came. */
export function reportManyNodes(): void {
  for (const nodes of SIZES) {
    const { startSeconds, residentMb, joined, left, cpuMs } = measure(nodes);
    report({
      bench: `vxlan-${nodes}-nodes`,
      ours: Math.max(...joined),
      peer: WANTED,
      peerName: 'wanted at most',
      unit: 'ms',
      more: {
        ...{ p50: round(median(joined)), leave_p50: round(median(left)), leave_most: round(Math.max(...left)) },
        ...{ start_s: round(startSeconds), mb: round(residentMb), cpu_ms: round(cpuMs) },
      },
    });
  }
}
