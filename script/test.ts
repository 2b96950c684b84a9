// Runs the named parts of the test suite, or all, and adds up what passed and failed. Run by script/test.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dir, '..');
const bun = join(root, 'node_modules/.bin/bun');
const TEST_TIMEOUT_MS = 60_000;

interface Count {
  readonly passed: number;
  readonly failed: number;
}

/** A part is one command that passes or fails, or a set of test files that count themselves. */
type Part =
  | { readonly kind: 'command'; readonly command: readonly string[] }
  | { readonly kind: 'tests'; readonly paths: readonly string[] };

const parts: Readonly<Record<string, Part>> = {
  types: { kind: 'command', command: [join(root, 'node_modules/.bin/tsc'), '-p', '.'] },
  lint: { kind: 'command', command: [join(root, 'node_modules/.bin/biome'), 'check', '--error-on-warnings', '.'] },
  imports: { kind: 'command', command: [bun, 'script/imports.ts'] },
  unused: {
    kind: 'command',
    command: [bun, '--bun', 'node_modules/.bin/knip', '--config', 'script/knip.ts', '--no-progress'],
  },
  unit: { kind: 'tests', paths: ['./src', './script'] },
  build: { kind: 'tests', paths: ['./test/build'] },
  store: { kind: 'tests', paths: ['./test/store'] },
  ctl: { kind: 'tests', paths: ['./test/ctl'] },
  kernel: { kind: 'tests', paths: ['./test/kernel'] },
  agent: { kind: 'tests', paths: ['./test/agent'] },
  cni: { kind: 'tests', paths: ['./test/cni'] },
  images: { kind: 'tests', paths: ['./test/images'] },
  rkt: { kind: 'tests', paths: ['./test/rkt'] },
  attacks: { kind: 'tests', paths: ['./test/attacks'] },
  lab: { kind: 'tests', paths: ['./test/lab'] },
  install: { kind: 'tests', paths: ['./test/install'] },
  guide: { kind: 'tests', paths: ['./test/guide'] },
  docs: { kind: 'tests', paths: ['./test/docs'] },
};

/** Copies a child's output through as it comes, and returns it. */
async function copy(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream) {
    process.stdout.write(chunk);
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

async function run(command: readonly string[]): Promise<{ readonly status: number; readonly output: string }> {
  const child = Bun.spawn([...command], { cwd: root, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  const [out, err, status] = await Promise.all([copy(child.stdout), copy(child.stderr), child.exited]);
  return { status, output: `${out}\n${err}` };
}

function countOf(output: string, word: string): number {
  return Number(new RegExp(`^\\s*(\\d+) ${word}$`, 'm').exec(output)?.[1] ?? 0);
}

async function runTests(paths: readonly string[]): Promise<Count> {
  const { status, output } = await run([bun, 'test', `--timeout=${TEST_TIMEOUT_MS}`, ...paths]);
  const counted = { passed: countOf(output, 'pass'), failed: countOf(output, 'fail') };
  const silent = status !== 0 && counted.failed === 0;
  return silent || counted.passed + counted.failed === 0 ? { ...counted, failed: counted.failed + 1 } : counted;
}

async function runPart(part: Part): Promise<Count> {
  if (part.kind === 'tests') return runTests(part.paths.filter((path) => existsSync(join(root, path))));
  const { status } = await run(part.command);
  return status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => parts[name] === undefined);
if (unknown.length > 0) {
  console.error(`test: unknown part "${unknown.join('", "')}": known are ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}

let total: Count = { passed: 0, failed: 0 };
const failing: string[] = [];
for (const [name, part] of Object.entries(parts)) {
  if (names.length > 0 && !names.includes(name)) continue;
  console.log(`\n== ${name}`);
  const startedAt = performance.now();
  const count = await runPart(part);
  console.log(
    `== ${name}: ${count.passed} passed, ${count.failed} failed in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
  );
  if (count.failed > 0) failing.push(name);
  total = { passed: total.passed + count.passed, failed: total.failed + count.failed };
}
if (failing.length > 0) console.log(`\nfailing: ${failing.join(', ')}`);
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);
