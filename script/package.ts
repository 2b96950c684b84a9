// Builds a Debian package of dist/: the files as the table of src/install/layout.ts places them, the rest by debhelper. Run by
// script/package.
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { VERSION } from '../src/base/version.ts';
import {
  CONFIGURATION_DIRECTORIES,
  FILES,
  INSTALL_ROOT,
  modeOf,
  PLACEMENTS,
  PLUGINS,
  PROGRAMS,
  SHARE_DIRECTORY,
  UNITS,
} from '../src/install/layout.ts';
import { shareFiles } from '../src/install/places.ts';
import { compile, isStale } from './compile.ts';
import { must, root } from './run-command.ts';
import { ARCHITECTURES, type Architecture, isArchitecture, OWN_ARCHITECTURE, provideToolchain } from './toolchain.ts';

const output = join(root, 'dist/package');
/** Of the packaging of one version: what is not the same although the version is. */
const REVISION = 1;

function copy(source: string, target: string, mode: number): void {
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
  chmodSync(target, mode);
}

function link(path: string, target: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}

/** `build` has what differs between architectures; what does not is this machine's. */
function stageInstallation(build: string, tree: string): void {
  const own = FILES.filter((file) => !file.startsWith('system/'));
  for (const file of own) copy(join(build, file), join(tree, INSTALL_ROOT, file), modeOf(file));
  const [executable, ...links] = PROGRAMS;
  for (const name of links) link(join(tree, INSTALL_ROOT, 'bin', name), executable);
}

function stagePlacements(tree: string): void {
  for (const { source, names, file: shared, packaged } of PLACEMENTS) {
    if (packaged === undefined) continue;
    for (const name of names) {
      const file = `${source}/${shared ?? name}`;
      const path = join(tree, packaged, name);
      if (source === 'system') copy(join(root, 'dist', file), path, modeOf(file));
      else link(path, join(INSTALL_ROOT, file));
    }
  }
  const share = join(root, 'dist/share');
  for (const file of shareFiles(join(root, 'dist')))
    copy(join(share, file), join(tree, SHARE_DIRECTORY, file), modeOf(file));
  for (const folder of CONFIGURATION_DIRECTORIES) mkdirSync(join(tree, folder), { recursive: true });
}

/** The last change of the sources: all that is in the package is of then. Outside of a checkout, now. */
function sourceTime(): number {
  const { SOURCE_DATE_EPOCH: wanted } = process.env;
  if (wanted !== undefined && /^\d+$/.test(wanted)) return Number(wanted);
  const { exitCode, stdout } = Bun.spawnSync(['git', 'log', '-1', '--format=%ct'], { cwd: root, stderr: 'ignore' });
  return exitCode === 0 ? Number(stdout.toString()) : Math.floor(Date.now() / 1000);
}

/** debian/changelog, of which the tools take version and date; what has changed is told in the project's own. */
function printChangelog(time: number): string {
  const date = new Date(time * 1000).toUTCString().replace('GMT', '+0000');
  const [, maintainer = ''] =
    /^Maintainer: (.*)$/m.exec(readFileSync(join(root, 'packaging/debian/control'), 'utf8')) ?? [];
  const words = 'What has changed is in changelog.gz beside this file.';
  return `ocicat (${VERSION}-${REVISION}) stable; urgency=medium\n\n  * ${words}\n\n -- ${maintainer}  ${date}\n`;
}

function stageDebian(folder: string, time: number): void {
  cpSync(join(root, 'packaging/debian'), join(folder, 'debian'), { recursive: true });
  for (const script of ['preinst', 'postinst', 'prerm', 'postrm'].map((name) =>
    join(folder, `debian/ocicat.${name}`),
  )) {
    const text = readFileSync(script, 'utf8')
      .replace('@UNITS@', UNITS.join(' '))
      .replace('@PLUGINS@', PLUGINS.join(' '));
    writeFileSync(script, text);
  }
  writeFileSync(join(folder, 'debian/changelog'), printChangelog(time));
  for (const file of ['README.md', 'CHANGELOG.md', 'docs'])
    cpSync(join(root, file), join(folder, 'tree/usr/share/doc/ocicat', file), { recursive: true });
}

/** `dist` is this machine's own; what another architecture runs is compiled beside it. */
function provideBuild(architecture: Architecture): string {
  const dist = join(root, 'dist');
  if (architecture === OWN_ARCHITECTURE) return dist;
  compile(join(dist, architecture), provideToolchain(architecture));
  return join(dist, architecture);
}

/** What is in it beside what is built. */
const SOURCES = ['packaging/**/*', 'script/package.ts', 'src/install/layout.ts', 'docs/**/*', '*.md', 'package.json'];
const BUILT = ['bin/ocicat', 'cni/calico', 'lib/*', 'share/man/man1/ocicat.1', 'system/calico-node.env'];

function isFresh(path: string, build: string): boolean {
  const built = BUILT.map((file) => relative(root, join(file.startsWith('s') ? join(root, 'dist') : build, file)));
  return !isStale(path, ...SOURCES, ...built);
}

function removeFormer(architecture: Architecture): void {
  for (const name of new Bun.Glob(`ocicat_*_${architecture}.deb`).scanSync({ cwd: output })) rmSync(join(output, name));
}

/** Built beside, and moved in place whole; one that is newer than all that is in it stays. */
function buildPackage(architecture: Architecture): string {
  const name = `ocicat_${VERSION}-${REVISION}_${architecture}.deb`;
  const build = provideBuild(architecture);
  if (isFresh(join(output, name), build)) return join(output, name);
  console.error(`package: ${name}`);
  const work = join(output, `work-${architecture}`);
  rmSync(work, { recursive: true, force: true });
  const folder = join(work, 'ocicat');
  const tree = join(folder, 'tree');
  stageInstallation(build, tree);
  stagePlacements(tree);
  const time = sourceTime();
  stageDebian(folder, time);
  const environment = { SOURCE_DATE_EPOCH: String(time), DEB_BUILD_OPTIONS: 'noautodbgsym', LC_ALL: 'C.UTF-8' };
  const rules = ['dpkg-architecture', `--host-arch=${architecture}`, '--force', '--command', 'debian/rules binary'];
  must(rules, { cwd: folder, environment });
  removeFormer(architecture);
  renameSync(join(work, name), join(output, name));
  rmSync(work, { recursive: true });
  return join(output, name);
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !isArchitecture(name));
if (unknown.length > 0) {
  console.error(`package: unknown architecture "${unknown.join('", "')}": known are ${ARCHITECTURES.join(' and ')}`);
  process.exit(2);
}
mkdirSync(output, { recursive: true });
for (const architecture of wanted.length === 0 ? [OWN_ARCHITECTURE] : wanted.filter(isArchitecture))
  console.log(buildPackage(architecture));
