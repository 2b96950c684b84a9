// Two hosts on this machine, and the guide walked through on them, section by section. Run by script/demo.
import { join } from 'node:path';
import { walkGuide } from '../test/guide/walk.ts';

const ocicat = join(import.meta.dir, '../dist/bin/ocicat');
const LAB = 'demo';

const unknown = process.argv.slice(2).filter((word) => word !== '--keep');
if (unknown.length > 0) {
  console.error(`demo: unexpected "${unknown[0]}". Usage: script/demo [--keep]`);
  process.exit(2);
}
const keep = process.argv.includes('--keep');

function lab(...args: readonly string[]): number {
  return Bun.spawnSync([ocicat, 'lab', ...args, '--name', LAB], { stdio: ['ignore', 'ignore', 'inherit'] }).exitCode;
}

function leave(status: number): never {
  if (keep) {
    console.log(
      `the hosts stay up: ${ocicat} lab shell --name ${LAB} calico-01   (end them: ${ocicat} lab down --name ${LAB})`,
    );
  } else {
    lab('down');
  }
  process.exit(status);
}

process.once('SIGINT', () => leave(130)).once('SIGTERM', () => leave(143));
if (lab('up') !== 0) process.exit(1);
try {
  const { steps, asWritten } = await walkGuide(ocicat, LAB, (line) => console.log(line));
  console.log(`\nguide: ${asWritten} of ${steps} steps as written`);
  leave(asWritten === steps ? 0 : 1);
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  leave(1);
}
