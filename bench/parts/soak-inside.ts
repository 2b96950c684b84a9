// Runs on a host: containers come and go for so many seconds; every minute a JSON line says what the last of them cost,
// and what the agent, BIRD and etcd have come to.
import { countDescriptors, countThreads, type Pair, runPair } from './churn.ts';
import { type Container, makeContainers, removeContainers } from './cni-calls.ts';
import { cpuSeconds, findProcess, residentMb } from './process-figures.ts';
import { median, round } from './report.ts';

const STEP_SECONDS = 60;
const ETCD = 'http://10.99.0.254:2379';
const endMs = performance.now() + Number(process.argv[2]) * 1000;

/** Bytes of etcd's file. */
function etcdBytes(): number {
  const { stdout } = Bun.spawnSync(['etcdctl', '--endpoints', ETCD, 'endpoint', 'status', '-w', 'json'], {
    env: { PATH: process.env.PATH, ETCDCTL_API: '3' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return (JSON.parse(stdout.toString()) as readonly [{ readonly Status: { readonly dbSize: number } }])[0].Status
    .dbSize;
}

/** Pairs until the next line is due. */
function runStep(place: Container, agent: number): readonly Pair[] {
  const stepEndMs = Math.min(endMs, performance.now() + STEP_SECONDS * 1000);
  const pairs: Pair[] = [];
  do pairs.push(runPair(place, agent));
  while (performance.now() < stepEndMs);
  return pairs;
}

const places = makeContainers(1, 'soak');
try {
  const [place] = places;
  if (place === undefined) throw new Error('no namespace was made');
  const [agent, bird] = [findProcess('calico-node'), findProcess('bird')];
  let done = 0;
  while (performance.now() < endMs) {
    const [agentBefore, birdBefore, startMs] = [cpuSeconds(agent), cpuSeconds(bird), performance.now()];
    const pairs = runStep(place, agent);
    done += pairs.length;
    const percentOf = (seconds: number) => round((seconds * 100_000) / (performance.now() - startMs));
    const line = {
      pairs: done,
      add_ms: round(median(pairs.map(({ addMs }) => addMs))),
      del_ms: round(median(pairs.map(({ delMs }) => delMs))),
      agent_mb: round(residentMb(agent)),
      agent_cpu_percent: percentOf(cpuSeconds(agent) - agentBefore),
      agent_threads: countThreads(agent),
      agent_descriptors: countDescriptors(agent),
      bird_mb: round(residentMb(bird)),
      bird_cpu_percent: percentOf(cpuSeconds(bird) - birdBefore),
      etcd_mb: round(etcdBytes() / 1024 / 1024),
    };
    console.log(JSON.stringify(line));
  }
} finally {
  removeContainers(places);
}
