// Containers come and go on a lab's host for as many hours as asked (0.1 are six minutes). Run by script/soak.
import { streamOnHost, withLab } from '../bench/parts/lab.ts';

const [text = '', ...more] = process.argv.slice(2);
const hours = Number(text);
if (text === '' || !(hours > 0 && hours <= 1_000) || more.length > 0) {
  console.error('soak: wanted a number of hours, above 0 and at most 1000. Usage: script/soak HOURS');
  process.exit(2);
}
await withLab(1, (name) => streamOnHost(name, 'soak-inside.ts', [String(hours * 3_600)]));
