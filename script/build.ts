// Builds dist/ from the sources; what is newer than its sources is left alone. Run by script/build.
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { VERSION } from '../src/base/version.ts';
import { NEWEST_VERSION, SUPPORTED_VERSIONS } from '../src/cni/spec/version.ts';
import { buildImages } from './build-images.ts';
import { buildShare } from './build-share.ts';

const root = join(import.meta.dir, '..');
const dist = join(root, 'dist');
const bun = join(root, 'node_modules/.bin/bun');

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Whether `target` is older than any file that the patterns name. */
function isStale(target: string, ...patterns: readonly string[]): boolean {
  const built = modified(target);
  if (built === 0) return true;
  const sources = patterns.flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: root })]);
  return sources.some((file) => modified(join(root, file)) > built);
}

function run(command: readonly string[]): void {
  const result = Bun.spawnSync([...command], { cwd: root, stdout: 'pipe', stderr: 'pipe' });
  if (result.exitCode === 0) return;
  process.stderr.write(result.stdout);
  process.stderr.write(result.stderr);
  console.error(`build: failed: ${command.join(' ')}`);
  process.exit(1);
}

/** Builds beside the target and moves it in place, so that a stopped build leaves the old file. */
function produce(target: string, command: (output: string) => readonly string[]): void {
  console.error(`build: ${target.slice(root.length + 1)}`);
  run(command(`${target}.new`));
  renameSync(`${target}.new`, target);
}

/** Puts what `make` makes in the target's place. */
function replace(target: string, make: (path: string) => void): void {
  rmSync(`${target}.new`, { force: true });
  make(`${target}.new`);
  renameSync(`${target}.new`, target);
  rmSync(`${target}.new`, { force: true }); // a rename onto another name of the same file does nothing
}

function buildAddon(): void {
  const target = join(dist, 'lib/sys.node');
  if (!isStale(target, 'native/sys.c')) return;
  const flags = [
    '-O2',
    '-Wall',
    '-Wextra',
    '-Wno-unused-parameter',
    '-Wno-int-conversion',
    '-Werror',
    '-shared',
    '-fPIC',
  ];
  produce(target, (output) => [
    'gcc',
    ...flags,
    '-Inode_modules/node-api-headers/include',
    '-o',
    output,
    'native/sys.c',
  ]);
}

/** A static program: it runs where there is nothing but itself. */
function compileProgram(target: string, source: string, ...defines: readonly string[]): void {
  const flags = ['-Os', '-static', '-s', '-Wall', '-Wextra', '-Werror'];
  produce(target, (output) => ['musl-gcc', ...flags, ...defines, '-o', output, source]);
}

function buildProgram(target: string, source: string): void {
  if (isStale(target, source)) compileProgram(target, source);
}

function buildPlugins(): void {
  const target = join(dist, 'cni/calico');
  if (!isStale(target, 'native/cni-shim.c', 'src/cni/spec/version.ts', 'package.json')) return;
  const versions = JSON.stringify(JSON.stringify(SUPPORTED_VERSIONS));
  const defines = [`-DCNI_VERSIONS=${versions}`, `-DNEWEST_VERSION="${NEWEST_VERSION}"`];
  compileProgram(target, 'native/cni-shim.c', `-DVERSION="${VERSION}"`, ...defines);
  replace(join(dist, 'cni/calico-ipam'), (path) => linkSync(target, path)); // a whole file: it may be copied alone
}

/** The last commit that changed the sources, `-dirty` when they are changed since; `unknown` outside of a checkout. */
function sourceCommit(): string {
  const git = (...args: readonly string[]) =>
    Bun.spawnSync(['git', ...args, '--', 'src', 'package.json'], { cwd: root, stderr: 'ignore' })
      .stdout.toString()
      .trim();
  const commit = git('log', '-1', '--format=%h');
  if (commit === '') return 'unknown';
  return git('status', '--porcelain') === '' ? commit : `${commit}-dirty`;
}

/**
 * With `--splitting` each program loads its own parts alone, which takes 3 of 10 ms from every start. Without the two
 * autoload flags the program would, as root, run code that a bunfig.toml or .env in its working
 * directory names.
 */
function buildExecutable(): void {
  const target = join(dist, 'bin/ocicat');
  const commitFile = join(dist, 'commit');
  const commit = sourceCommit();
  const built = existsSync(commitFile) ? readFileSync(commitFile, 'utf8') : '';
  if (built === commit && !isStale(target, 'src/**/*.ts', 'package.json')) return;
  const flags = [
    '--compile',
    '--bytecode',
    '--minify',
    '--format=esm',
    '--splitting',
    '--no-compile-autoload-dotenv',
    '--no-compile-autoload-bunfig',
    `--define=OCICAT_COMMIT=${JSON.stringify(commit)}`,
  ];
  const workers = [...new Bun.Glob('src/**/*.worker.ts').scanSync({ cwd: root })].map((file) => `./${file}`);
  produce(target, (output) => [bun, 'build', ...flags, './src/main.ts', ...workers, '--outfile', output]);
  writeFileSync(commitFile, commit);
}

/** Symbolic, so that no way of copying the folder makes four of one large file. */
function linkPrograms(): void {
  for (const name of ['calicoctl', 'calico-node', 'rkt'])
    replace(join(dist, 'bin', name), (path) => symlinkSync('ocicat', path));
}

for (const folder of ['bin', 'cni', 'lib', 'images']) mkdirSync(join(dist, folder), { recursive: true });
buildAddon();
buildPlugins();
buildProgram(join(dist, 'lib/pause'), 'native/pause.c');
buildProgram(join(dist, 'lib/nodev'), 'native/nodev.c');
buildExecutable();
linkPrograms();
if (isStale(join(dist, 'share'), 'dist/bin/ocicat')) buildShare(dist);
await buildImages(root);
