// Runs on a host: as many endpoints as asked, then as many policies, with the agent and the store of the lab.
import { makeContainers, OURS, removeContainers, timeCall } from './cni-calls.ts';
import { attachAll, measureConvergence } from './converge.ts';
import { findProcess } from './process-figures.ts';

const [policies, endpoints] = process.argv.slice(2).map(Number) as [number, number];
const containers = makeContainers(endpoints, 'converge');
try {
  attachAll(OURS, containers);
  const target = { etcd: 'http://10.99.0.254:2379', agent: findProcess('calico-node'), folder: '/var/lib/calico' };
  console.log(JSON.stringify(await measureConvergence({ policies, endpoints }, target)));
  for (const container of containers) timeCall(OURS, 'DEL', container);
} finally {
  removeContainers(containers);
}
