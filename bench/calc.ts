// What the policy calculation costs in time and memory, against Felix's own benchmarks of its calculation and its label index.
// OCICAT_CALC_LINES chooses some of the lines by the beginnings of their names.
import type { CalcFigures } from './parts/calc-inside.ts';
import { CALC_LINES, type CalcLine } from './parts/calc-lines.ts';
import { runPeer } from './parts/calc-peer.ts';
import { report } from './parts/report.ts';

const PARTS = `${import.meta.dir}/parts`;

/** Each in a process of its own: what one leaves on the heap is not the next one's. */
function runOurs(kind: string, size: number, deletes: boolean): CalcFigures {
  const argv = [process.execPath, `${PARTS}/calc-inside.ts`, kind, String(size), deletes ? 'delete' : 'keep'];
  const { stdout, exitCode } = Bun.spawnSync(argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (exitCode !== 0) throw new Error(`calculation of ${kind} with ${size} failed`);
  return JSON.parse(stdout.toString());
}

function times(value: number, of: number): number {
  return Number((value / of).toFixed(2));
}

function measure(line: CalcLine): void {
  const { kind, size, deletes } = line;
  const half = runOurs(kind, size / 2, deletes);
  const ours = runOurs(kind, size, deletes);
  const measured = runPeer(line);
  const peer = measured ?? line.recorded;
  report({
    bench: line.name,
    ours: ours.seconds,
    peer: peer.seconds,
    peerName: measured === undefined ? 'Felix, as recorded on another machine' : 'Felix',
    unit: 's',
    more: {
      heap_mb: Number(ours.heapMb.toFixed(1)),
      ...(peer.heapMb === undefined
        ? {}
        : { peer_heap_mb: Number(peer.heapMb.toFixed(1)), heap_ratio: times(ours.heapMb, peer.heapMb) }),
      growth: times(ours.seconds, half.seconds),
      heap_growth: times(ours.heapMb, half.heapMb),
    },
  });
}

const chosen = (process.env.OCICAT_CALC_LINES ?? '').split(' ').filter(Boolean);
const isChosen = ({ name }: CalcLine) => chosen.length === 0 || chosen.some((start) => name.startsWith(start));
for (const line of CALC_LINES.filter(isChosen)) measure(line);
