// Runs on a host: waits until the agent has nothing to do any more.
import { cpuSeconds, findProcess } from './process-figures.ts';

const QUIET_SECONDS = 0.03;
const MAX_SECONDS = 300;

/** It may wait for the store meanwhile, or for the processor. */
const WANTED = 4;

const pid = findProcess('calico-node');
let before = 0;
for (let second = 0, quiet = 0; second < MAX_SECONDS && quiet < WANTED; second++) {
  const now = cpuSeconds(pid);
  quiet = now - before <= QUIET_SECONDS ? quiet + 1 : 0;
  before = now;
  await Bun.sleep(1_000);
}
