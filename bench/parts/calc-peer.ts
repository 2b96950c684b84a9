// Felix's own benchmark of a line, run once, where the machine has it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CalcLine, PeerFigures } from './calc-lines.ts';

function metric(output: string, unit: string): number | undefined {
  const text = new RegExp(`\\s([0-9.]+(?:e[+-]?\\d+)?) ${unit}(?:\\s|$)`).exec(output)?.[1];
  return text === undefined ? undefined : Number(text);
}

/** Undefined when the program is not in OCICAT_PEERS. Throws when it fails or prints something else. */
export function runPeer({ peerProgram, peerBenchmark, kind }: CalcLine): PeerFigures | undefined {
  const program = join(process.env.OCICAT_PEERS ?? '/nowhere', peerProgram);
  if (!existsSync(program)) return undefined;
  const once = peerProgram === 'felix-calc.test' ? ['-test.benchtime', '1x'] : [];
  const argv = [program, '-test.run', 'none', '-test.bench', `^Benchmark${peerBenchmark}$`, ...once];
  const { stdout, exitCode } = Bun.spawnSync(argv, { cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] });
  const output = stdout.toString();
  const nanoseconds = metric(output, 'ns/op');
  if (exitCode !== 0 || nanoseconds === undefined) throw new Error(`${peerProgram} of ${kind} failed: ${output}`);
  return { seconds: metric(output, 's') ?? nanoseconds / 1e9, heapMb: metric(output, 'HeapAllocMB') };
}
