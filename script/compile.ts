// Compiles what runs on a host, for one architecture: the executable and its names, the CNI plugins, the addon and the small
// programs. What is newer than its sources is left alone.
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
import { PROGRAMS } from '../src/install/layout.ts';
import { must, root } from './run-command.ts';
import type { Toolchain } from './toolchain.ts';

const bun = join(root, 'node_modules/.bin/bun');

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Whether `target` is older than any file that the patterns name. */
export function isStale(target: string, ...patterns: readonly string[]): boolean {
  const built = modified(target);
  if (built === 0) return true;
  const sources = patterns.flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: root })]);
  return sources.some((file) => modified(join(root, file)) > built);
}

/** Builds beside the target and moves it in place, so that a stopped build leaves the old file. */
function produce(target: string, command: (output: string) => readonly string[]): void {
  console.error(`build: ${target.slice(root.length + 1)}`);
  must(command(`${target}.new`));
  renameSync(`${target}.new`, target);
}

/** Puts what `make` makes in the target's place. */
function replace(target: string, make: (path: string) => void): void {
  rmSync(`${target}.new`, { force: true });
  make(`${target}.new`);
  renameSync(`${target}.new`, target);
  rmSync(`${target}.new`, { force: true }); // a rename onto another name of the same file does nothing
}

function buildAddon(target: string, { compiler }: Toolchain): void {
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
  const includes = '-Inode_modules/node-api-headers/include';
  produce(target, (output) => [compiler, ...flags, '-s', includes, '-o', output, 'native/sys.c']);
}

/** A static program: it runs where there is nothing but itself. */
function compileProgram(
  target: string,
  source: string,
  { staticCompiler }: Toolchain,
  ...defines: readonly string[]
): void {
  const flags = ['-Os', '-static', '-s', '-Wall', '-Wextra', '-Werror'];
  produce(target, (output) => [staticCompiler, ...flags, ...defines, '-o', output, source]);
}

function buildProgram(target: string, source: string, toolchain: Toolchain): void {
  if (isStale(target, source)) compileProgram(target, source, toolchain);
}

function buildPlugins(folder: string, toolchain: Toolchain): void {
  const target = join(folder, 'calico');
  if (!isStale(target, 'native/cni-shim.c', 'src/cni/spec/version.ts', 'package.json')) return;
  const versions = JSON.stringify(JSON.stringify(SUPPORTED_VERSIONS));
  const defines = [`-DCNI_VERSIONS=${versions}`, `-DNEWEST_VERSION="${NEWEST_VERSION}"`];
  compileProgram(target, 'native/cni-shim.c', toolchain, `-DVERSION="${VERSION}"`, ...defines);
  replace(join(folder, 'calico-ipam'), (path) => linkSync(target, path)); // a whole file: it may be copied alone
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
function buildExecutable(dist: string, { executableFlags }: Toolchain): void {
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
    ...executableFlags,
  ];
  const workers = [...new Bun.Glob('src/**/*.worker.ts').scanSync({ cwd: root })].sort().map((file) => `./${file}`);
  produce(target, (output) => [bun, 'build', ...flags, './src/main.ts', ...workers, '--outfile', output]);
  writeFileSync(commitFile, commit);
}

/** Symbolic, so that no way of copying the folder makes four of one large file. */
function linkPrograms(folder: string): void {
  const [executable, ...names] = PROGRAMS;
  for (const name of names) replace(join(folder, name), (path) => symlinkSync(executable, path));
}

/** Into the folders `bin`, `cni` and `lib` of `dist`. */
export function compile(dist: string, toolchain: Toolchain): void {
  for (const folder of ['bin', 'cni', 'lib']) mkdirSync(join(dist, folder), { recursive: true });
  buildAddon(join(dist, 'lib/sys.node'), toolchain);
  buildPlugins(join(dist, 'cni'), toolchain);
  for (const name of ['pause', 'nodev']) buildProgram(join(dist, 'lib', name), `native/${name}.c`, toolchain);
  buildExecutable(dist, toolchain);
  linkPrograms(join(dist, 'bin'));
}
