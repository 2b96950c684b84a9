// Runs on a host: as many containers as asked come and go, for so many seconds at most; prints what the first of them and
// the last of them cost.
import { type Pair, runPair } from './churn.ts';
import { makeContainers, removeContainers } from './cni-calls.ts';
import { findProcess } from './process-figures.ts';
import { median } from './report.ts';

const [pairs = 0, seconds = 0] = process.argv.slice(2).map(Number);
/** Pairs at each end that are compared. */
const WINDOW = Math.min(1_000, Math.floor(pairs / 4));

function summarise(window: readonly Pair[]): Pair {
  const of = (field: keyof Pair) => median(window.map((pair) => pair[field]));
  return { addMs: of('addMs'), delMs: of('delMs'), agentMb: of('agentMb') };
}

const places = makeContainers(1, 'churn');
try {
  const [place] = places;
  if (place === undefined) throw new Error('no namespace was made');
  const agent = findProcess('calico-node');
  const done: Pair[] = [];
  const endMs = performance.now() + seconds * 1000;
  while (done.length < pairs && performance.now() < endMs) done.push(runPair(place, agent));
  const [first, last] = [done.slice(0, WINDOW), done.slice(-WINDOW)].map(summarise);
  console.log(JSON.stringify({ pairs: done.length, first, last }));
} finally {
  removeContainers(places);
}
