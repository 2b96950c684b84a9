// What the policy calculation costs in time and memory, against Felix's own benchmarks of its calculation and its label index.
// OCICAT_CALC_LINES chooses some of the lines by the beginnings of their names.
import type { CalcFigures } from './parts/calc-inside.ts';
import { CALC_LINES, type CalcLine, type PeerFigures } from './parts/calc-lines.ts';
import { runPeer } from './parts/calc-peer.ts';
import { median, report, round } from './parts/report.ts';

const PARTS = `${import.meta.dir}/parts`;

/** Each in a process of its own: what one leaves on the heap is not the next one's. */
function runOurs(kind: string, size: number, deletes: boolean): CalcFigures {
  const argv = [process.execPath, `${PARTS}/calc-inside.ts`, kind, String(size), deletes ? 'delete' : 'keep'];
  const { stdout, exitCode } = Bun.spawnSync(argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (exitCode !== 0) throw new Error(`calculation of ${kind} with ${size} failed`);
  return JSON.parse(stdout.toString());
}

/** Short ones are run several times, both in turn, so that both see the same machine. */
function runsOf({ recorded }: CalcLine): number {
  return recorded.seconds < 1 ? 5 : 1;
}

interface Pair {
  readonly half: CalcFigures;
  readonly ours: CalcFigures;
  readonly peer: PeerFigures | undefined;
}

function runPair(line: CalcLine): Pair {
  const { kind, size, deletes } = line;
  return { half: runOurs(kind, size / 2, deletes), ours: runOurs(kind, size, deletes), peer: runPeer(line) };
}

function measure(line: CalcLine): void {
  const pairs = Array.from({ length: runsOf(line) }, () => runPair(line));
  const secondsOf = (figures: (pair: Pair) => PeerFigures) => median(pairs.map((pair) => figures(pair).seconds));
  const [{ half, ours, peer: measured } = runPair(line)] = pairs;
  const seconds = secondsOf((pair) => pair.ours);
  const peerHeapMb = (measured ?? line.recorded).heapMb;
  report({
    bench: line.name,
    ours: seconds,
    peer: secondsOf((pair) => pair.peer ?? line.recorded),
    peerName: measured === undefined ? 'Felix, as recorded on another machine' : 'Felix',
    unit: 's',
    more: {
      heap_mb: round(ours.heapMb),
      ...(peerHeapMb === undefined
        ? {}
        : { peer_heap_mb: round(peerHeapMb), heap_ratio: round(ours.heapMb / peerHeapMb) }),
      growth: round(seconds / secondsOf((pair) => pair.half)),
      heap_growth: round(ours.heapMb / half.heapMb),
    },
  });
}

const chosen = (process.env.OCICAT_CALC_LINES ?? '').split(' ').filter(Boolean);
const isChosen = ({ name }: CalcLine) => chosen.length === 0 || chosen.some((start) => name.startsWith(start));
for (const line of CALC_LINES.filter(isChosen)) measure(line);
