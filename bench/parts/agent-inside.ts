// Runs on a host: as many idle endpoints as asked, then the agent's memory and processor time.
import { makeContainers, OURS, removeContainers, timeCall } from './cni-calls.ts';
import { findProcess, observeProcess } from './process-figures.ts';

const containers = makeContainers(Number(process.argv[2]), 'idle');
const seconds = Number(process.argv[3]);
try {
  for (const container of containers) timeCall(OURS, 'ADD', container);
  await Bun.sleep(3_000);
  console.log(JSON.stringify(await observeProcess(findProcess('calico-node'), seconds)));
  for (const container of containers) timeCall(OURS, 'DEL', container);
} finally {
  removeContainers(containers);
}
