// Runs on a host: waits until the agent has nothing to do any more.
import { cpuSeconds, findProcess } from './process-figures.ts';

const QUIET_SECONDS = 0.03;
const MAX_SECONDS = 300;

const pid = findProcess('calico-node');
let before = 0;
for (let second = 0; second < MAX_SECONDS; second++) {
  const now = cpuSeconds(pid);
  if (second > 1 && now - before <= QUIET_SECONDS) break;
  before = now;
  await Bun.sleep(1_000);
}
