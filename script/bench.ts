// Runs the named files of bench/ one after the other. Run by script/bench.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dir, '..');
const all = [...new Bun.Glob('*.ts').scanSync(join(root, 'bench'))].map((file) => file.slice(0, -3)).sort();
const names = process.argv.slice(2).length > 0 ? process.argv.slice(2) : all;

let failed = 0;
for (const name of names) {
  if (!existsSync(join(root, 'bench', `${name}.ts`))) {
    console.error(`bench: unknown benchmark "${name}": known are ${all.join(', ')}`);
    process.exit(2);
  }
  const child = Bun.spawn([join(root, 'node_modules/.bin/bun'), join(root, 'bench', `${name}.ts`)], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const stop = () => child.kill('SIGTERM');
  process.once('SIGINT', stop).once('SIGTERM', stop);
  if ((await child.exited) !== 0) {
    failed += 1;
    console.error(`bench: "${name}" failed`);
  }
}
process.exit(failed === 0 ? 0 : 1);
