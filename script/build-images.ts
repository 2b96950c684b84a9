// Builds the images that a lab's registry serves: busybox, and calico/node with this project's agent in it.
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import type { LayerEntry } from '../src/images/archive/layer-entries.ts';
import { buildImage } from '../src/images/transfer/build.ts';

interface Image {
  /** `+` stands for `/`: the folder's name below dist/images. */
  readonly folder: string;
  /** Files that it is made from; it is built again when one of them is newer. */
  readonly sources: readonly string[];
  readonly layers: readonly (readonly LayerEntry[])[];
  readonly config: Parameters<typeof buildImage>[0]['config'];
}

/** 334 bytes, the size that the guide's download shows. */
const PASSWD = [
  'root:x:0:0:root:/root:/bin/sh',
  'daemon:x:1:1:daemon:/usr/sbin:/bin/false',
  'bin:x:2:2:bin:/bin:/bin/false',
  'sys:x:3:3:sys:/dev:/bin/false',
  'mail:x:8:8:mail:/var/spool/mail:/bin/false',
  'www-data:x:33:33:www-data:/var/www:/bin/false',
  'backup:x:34:34:backup:/var/backups:/bin/false',
  'nobody:x:65534:65534:nobody, owning nothing:/nonexistent:/bin/false',
  '',
].join('\n');

const GROUP = 'root:x:0:\ndaemon:x:1:\nbin:x:2:\nsys:x:3:\nmail:x:8:\nwww-data:x:33:\nnobody:x:65534:\n';

/**
 * Debian's busybox 1.35 crashes on `wget -T SECONDS` (1:1.35.0-4+deb12u1). This takes the option's place: the time is
 * watched from outside, over the whole download instead of each silence in it, and the words are wget's own.
 */
const WGET = `#!/bin/sh
limit=
for word in "$@"; do
  shift
  case "$taking:$word" in
    T:*) limit=$word taking= ;;
    :-T) taking=T ;;
    :-T*) limit=\${word#-T} ;;
    *) set -- "$@" "$word" ;;
  esac
done
[ -n "$limit" ] || exec busybox wget "$@"
busybox timeout -s PIPE "$limit" busybox wget "$@" # a signal that the shell does not report
status=$?
[ "$status" = 141 ] || exit "$status"
echo 'wget: download timed out' >&2
exit 1
`;

function busyboxEntries(): readonly LayerEntry[] {
  const applets = Bun.spawnSync(['/bin/busybox', '--list']).stdout.toString().split('\n');
  const links = applets.filter((name) => !['', 'busybox', 'wget'].includes(name));
  return [
    { kind: 'directory', path: '/bin' },
    { kind: 'copy', path: '/bin/busybox', source: '/bin/busybox', mode: 0o755 },
    { kind: 'file', path: '/bin/wget', content: WGET, mode: 0o755 },
    ...links.map((name): LayerEntry => ({ kind: 'symlink', path: `/bin/${name}`, target: 'busybox' })),
  ];
}

function busybox(): Image {
  const files: readonly LayerEntry[] = [
    { kind: 'directory', path: '/etc' },
    { kind: 'file', path: '/etc/passwd', content: PASSWD },
    { kind: 'file', path: '/etc/group', content: GROUP },
    { kind: 'directory', path: '/root', mode: 0o700 },
    { kind: 'directory', path: '/tmp', mode: 0o1777 },
    { kind: 'directory', path: '/var' },
  ];
  const config = { Cmd: ['sh'], Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] };
  return {
    folder: 'library+busybox@latest',
    sources: ['/bin/busybox'],
    layers: [[...busyboxEntries(), ...files]],
    config,
  };
}

/** The shared libraries that programs load, by the paths that they load them from. */
function librariesOf(programs: readonly string[]): readonly string[] {
  const found = programs.flatMap((program) => {
    const { stdout } = Bun.spawnSync(['ldd', program]);
    return [...stdout.toString().matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1] ?? '');
  });
  return [...new Set(found)].sort();
}

function copy(source: string, path = source, mode = 0o755): LayerEntry {
  return { kind: 'copy', path, source, mode };
}

/** Two layers: what comes from Debian and seldom changes, and our own programs. */
function node(root: string): Image {
  const programs = ['/usr/sbin/bird', '/usr/sbin/birdc', '/usr/bin/etcd', '/usr/bin/wireguard-go'];
  const dist = join(root, 'dist');
  const libraries = librariesOf([...programs, join(dist, 'bin/ocicat'), join(dist, 'lib/sys.node')]);
  const system: readonly LayerEntry[] = [
    ...busyboxEntries(),
    ...programs.map((program) => copy(program)),
    ...libraries.map((library) => copy(library)),
    { kind: 'file', path: '/etc/passwd', content: PASSWD },
    { kind: 'file', path: '/etc/group', content: GROUP },
    { kind: 'directory', path: '/tmp', mode: 0o1777 },
    { kind: 'directory', path: '/run' },
    { kind: 'directory', path: '/var' },
    { kind: 'symlink', path: '/var/run', target: '/run' },
    // its sockets are to be found by the next agent, too, whose root is another
    { kind: 'symlink', path: '/run/wireguard', target: 'calico/wireguard' },
  ];
  const own: readonly LayerEntry[] = [
    copy(join(dist, 'bin/ocicat'), '/usr/lib/ocicat/bin/calico-node'),
    copy(join(dist, 'lib/sys.node'), '/usr/lib/ocicat/lib/sys.node'),
    copy(join(dist, 'lib/pause'), '/usr/lib/ocicat/lib/pause'),
  ];
  return {
    folder: `calico+node@v${manifest.version}`,
    sources: [
      ...programs,
      '/bin/busybox',
      ...['bin/ocicat', 'lib/sys.node', 'lib/pause'].map((path) => join(dist, path)),
    ],
    layers: [system, own],
    config: {
      Entrypoint: ['/usr/lib/ocicat/bin/calico-node'],
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    },
  };
}

function isStale(image: Image, directory: string): boolean {
  const index = join(directory, 'index.json');
  if (!existsSync(index)) return true;
  const built = statSync(index).mtimeMs;
  return [...image.sources, import.meta.path].some((source) => statSync(source).mtimeMs > built);
}

async function build(image: Image, directory: string): Promise<void> {
  console.error(`build: dist/images/${image.folder}`);
  rmSync(`${directory}.new`, { recursive: true, force: true });
  mkdirSync(`${directory}.new`, { recursive: true });
  await buildImage({
    directory: `${directory}.new`,
    layers: image.layers,
    ...(image.config === undefined ? {} : { config: image.config }),
  });
  rmSync(directory, { recursive: true, force: true });
  renameSync(`${directory}.new`, directory);
}

/** Builds dist/images/, leaving what is up to date, and removing the images of other versions. */
export async function buildImages(root: string): Promise<void> {
  if (Buffer.byteLength(PASSWD) !== 334)
    throw new Error(`busybox's /etc/passwd: ${Buffer.byteLength(PASSWD)} bytes, wanted 334`);
  const images = [busybox(), node(root)];
  const folder = join(root, 'dist/images');
  const wanted = new Set(images.map((image) => image.folder));
  for (const entry of new Bun.Glob('*').scanSync({ cwd: folder, onlyFiles: false })) {
    if (!wanted.has(entry)) rmSync(join(folder, entry), { recursive: true });
  }
  for (const image of images) {
    const directory = join(folder, image.folder);
    if (isStale(image, directory)) await build(image, directory);
  }
}
