// Whoever calls rkt from wherever: the same words leave the same files, with the same modes, and print the same.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pushImage } from '../../src/images/transfer/push.ts';
import { openWorld, type World } from '../support/host/world.ts';
import { openRegistryServer, type RegistryServer } from '../support/images/registry-server.ts';

setDefaultTimeout(60_000);

const root = join(import.meta.dir, '../..');
const rkt = join(root, 'dist/bin/rkt');
const IMAGE = 'docker://callers.invalid/library/busybox:latest';

let world: World;
let server: RegistryServer;
beforeAll(async () => {
  [world, server] = await Promise.all([openWorld(), openRegistryServer()]);
  const directory = join(root, 'dist/images/library+busybox@latest');
  await pushImage({ registryUrl: server.url, name: 'library/busybox', tag: 'latest', directory });
  mkdirSync(join(world.directory, 'local/mirrors.d'));
  const registries = ['callers.invalid'];
  const mirror = { rktKind: 'registryMirror', rktVersion: 'v1', registries, mirrors: [server.url] };
  writeFileSync(join(world.directory, 'local/mirrors.d/mirror.json'), JSON.stringify(mirror));
});
afterAll(() => Promise.all([world?.close(), server?.close()]));

/** A directory whose files mean something to the runtime that rkt is compiled with, and to other tools. */
function makeOddDirectory(): string {
  const directory = join(world.directory, ' odd\n-düşük');
  mkdirSync(directory, { mode: 0o700 });
  const evil = join(directory, 'evil.ts');
  writeFileSync(evil, `import { writeFileSync } from 'node:fs';\nwriteFileSync('${world.directory}/owned', '');\n`);
  writeFileSync(join(directory, 'bunfig.toml'), `preload = ["./evil.ts"]\n`);
  writeFileSync(join(directory, '.env'), 'PATH=/nowhere\nTZ=Asia/Kathmandu\n');
  writeFileSync(join(directory, 'package.json'), '{"name":"x","imports":{"#x":"./evil.ts"},"type":');
  writeFileSync(join(directory, 'tsconfig.json'), '{"compilerOptions":{"jsx":"x","paths":{"*":["./evil.ts"]}}}');
  for (const name of ['rkt', 'crun', 'nsenter', 'data']) writeFileSync(join(directory, name), '');
  return directory;
}

const quote = (text: string) => `'${text}'`;

/** Something that differs from run to run and not from caller to caller. */
function steady(text: string, dataDir: string): string {
  return text
    .replaceAll(dataDir, 'DATA')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UUID')
    .replaceAll(/\b[0-9a-f]{8}\b(?=\t)/g, 'UUID')
    .replaceAll(/^\[ *[\d.]+\] /gm, '')
    .replaceAll(/(\w)\[\d+\]:/g, '$1[N]:')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]* [-+]\d{4} \S+/g, 'TIME')
    .replaceAll(/\b\d+ seconds? ago|just now/g, 'AGO')
    .replaceAll(/\bpid=\d+/g, 'pid=N');
}

const LOOK = 'umask; pwd; id; touch /new; stat -c "%a %n" /new / /etc /tmp /etc/hosts; env | sort';

/** Everything that a caller has rkt write, with what was printed and what is on disk after it. */
async function record(name: string, circumstances: string): Promise<readonly string[]> {
  const dataDir = join(world.directory, `data-${name}`);
  const uuidFile = join(world.directory, `uuid-${name}`);
  const options = [`--dir=${dataDir}`, `--local-config=${world.directory}/local`, '--system-config=/nonexistent'];
  const script = `${circumstances}; exec "$@"`;
  const called = (words: readonly string[]) => ['sh', '-c', script, 'caller', rkt, ...options, ...words];
  const found: string[] = [];

  const note = (line: string, status: number, out: string, err: string) =>
    found.push(steady(`$ rkt ${line}\n${out}${err}=> ${status}`, dataDir));
  async function call(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await world.run(...called(words));
    note(words.join(' ').replaceAll(uuidFile, 'FILE'), status, stdout, stderr);
    return stdout.trim();
  }
  async function look(): Promise<void> {
    const listing = await world.run('find', dataDir, '-printf', '%P %m %U:%G %y %l\n');
    const lines = [
      ...new Set(
        steady(listing.stdout, dataDir)
          .replaceAll(/[0-9a-f]{32,}/g, 'ID')
          .split('\n'),
      ),
    ];
    found.push(
      lines
        .filter((line) => !line.startsWith('/'))
        .sort()
        .join('\n'),
    );
  }

  const fetched = Bun.spawnSync([...called(['fetch', IMAGE])]); // the world's network has no registry
  note('fetch', fetched.exitCode, fetched.stdout.toString(), '');
  await look();
  const run = ['run', '--net=none', '--dns=192.0.2.53', `--uuid-file-save=${uuidFile}`];
  await call(...run, '--volume=v,kind=empty', IMAGE, '--mount=volume=v,target=/v', '--exec=/bin/sh', '--', '-c', LOOK);
  found.push(steady(readFileSync(uuidFile, 'utf8'), dataDir), (statSync(uuidFile).mode & 0o7777).toString(8));
  const prepared = await call('prepare', IMAGE, '--exec=/bin/true');
  await look();
  await call('run-prepared', '--net=none', prepared);
  await call('list', '--full');
  await call('status', prepared);
  await call('cat-manifest', prepared);
  await call('image', 'list', '--fields=name,size');
  await look();
  await call('rm', prepared);
  await call('gc', '--grace-period=0s', '--expire-prepared=0s');
  await call('image', 'rm', 'callers.invalid/library/busybox:latest');
  await look();
  return found;
}

let plain: readonly string[];
beforeAll(async () => {
  plain = await record('plain', 'umask 022; cd /; export LC_ALL=C.UTF-8 TZ=UTC');
});

test('what rkt writes for a plain caller is all there', () => {
  const statuses = plain.flatMap((text) => (text.startsWith('$') ? [text.split('=> ').at(-1)] : []));
  expect(statuses).toEqual(['0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0']);
  expect(plain.join('\n')).toContain('0022\n');
  expect(plain).toContain('644');
});

test.each<readonly [string, () => string]>([
  ['umask 0777', () => 'umask 0777; cd /; export TZ=UTC'],
  ['umask 0', () => 'umask 0; cd /; export TZ=UTC'],
  ['a directory of files that mean something', () => `umask 022; cd ${quote(makeOddDirectory())}; export TZ=UTC`],
  ['a directory that nobody may read', () => `cd "$(mktemp -dp ${quote(world.directory)})"; chmod 0 .; export TZ=UTC`],
  ['a Turkish locale', () => 'export LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8 LANGUAGE=tr TZ=UTC'],
  ['a locale that is none', () => 'export LANG=xx_YY.EBCDIC LC_ALL=% LC_NUMERIC=de_DE TZ=UTC'],
  ['a time zone and directories that are none', () => 'export TZ=:/nowhere/x TMPDIR=/nowhere HOME=/nowhere'],
  ['a far time zone', () => 'export TZ=Asia/Kathmandu'],
  ['no environment at all', () => 'set -- /usr/bin/env -i "$@"'],
])('no result depends on the caller’s umask, directory or locale: %s', async (name, circumstances) => {
  const found = await record(name.replaceAll(/\W+/g, '-'), circumstances());
  expect(found).toEqual([...plain]);
  expect(statSync(join(world.directory, 'owned'), { throwIfNoEntry: false })).toBeUndefined();
});

test('from a directory that is gone rkt does nothing, and says so', async () => {
  const dataDir = join(world.directory, 'data-gone');
  const script = `cd "$(mktemp -dp ${quote(world.directory)})"; rmdir "$PWD"; exec ${quote(rkt)} --dir=${quote(dataDir)} gc`;
  const { status, stderr } = await world.run('sh', '-c', script);
  expect([status, stderr.includes('working directory was deleted')]).toEqual([1, true]);
  expect(statSync(dataDir, { throwIfNoEntry: false })).toBeUndefined();
});
