// Runs on a host: ADD and DEL of our plugin and of ptp with host-local in turn, for as many containers as asked.
import { makeContainers, OURS, PTP, removeContainers, timeCall } from './cni-calls.ts';

const count = Number(process.argv[2]);
const ours = makeContainers(count, 'ours');
const theirs = makeContainers(count, 'ptp');
const times = { add: [] as number[], del: [] as number[], peerAdd: [] as number[], peerDel: [] as number[] };
try {
  for (let index = 0; index < count; index++) {
    const [a, b] = [ours[index], theirs[index]];
    if (a === undefined || b === undefined) break;
    times.add.push(timeCall(OURS, 'ADD', a));
    times.peerAdd.push(timeCall(PTP, 'ADD', b));
  }
  for (let index = 0; index < count; index++) {
    const [a, b] = [ours[index], theirs[index]];
    if (a === undefined || b === undefined) break;
    times.del.push(timeCall(OURS, 'DEL', a));
    times.peerDel.push(timeCall(PTP, 'DEL', b));
  }
} finally {
  removeContainers([...ours, ...theirs]);
}
console.log(JSON.stringify(times));
