// A host of its own for tests of rkt: mount and network namespaces, empty /run and /var/lib, and a store with images.

import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { finishDigest } from '../../../src/images/spec/digest.ts';
import { emptyImageConfig, type ImageConfig } from '../../../src/images/spec/image-config.ts';
import { treePath } from '../../../src/images/store/layout.ts';
import { computeImageId } from '../../../src/images/store/record.ts';
import { openImageStore } from '../../../src/images/store/store.ts';
import { observeHolders, RKT_HOLDER } from '../../../src/kernel/nftables/table-holder.ts';
import { removePodCgroups } from '../../../src/rkt/run/cgroups.ts';

export interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly ended: Promise<Result>;
  /** Resolves when standard output holds the words. */
  printed(text: string): Promise<void>;
  /** Standard output so far. */
  output(): string;
  /** Standard error so far. */
  errors(): string;
  kill(signal: NodeJS.Signals): void;
}

export interface World {
  readonly directory: string;
  readonly dataDir: string;
  /** `net.d` of the local configuration. */
  readonly netDir: string;
  /** Runs rkt to its end. */
  rkt(...args: readonly string[]): Promise<Result>;
  /** Starts rkt and leaves it running. */
  start(...args: readonly string[]): Running;
  /** The words of a command line that runs rkt; to be run on the host. */
  command(...args: readonly string[]): readonly string[];
  /** Starts another program on the same host and leaves it running. */
  launch(...command: readonly string[]): Running;
  /** Runs another program on the same host. */
  run(...command: readonly string[]): Promise<Result>;
  close(): Promise<void>;
}

const bun = join(import.meta.dir, '../../../node_modules/.bin/bun');
const main = join(import.meta.dir, '../../../src/main.ts');

function digestOf(text: string) {
  return finishDigest(createHash('sha256').update(text), 'sha256');
}

/** Programs of busybox, and the files that the tests look for. */
function fillRoot(root: string): void {
  for (const dir of ['bin', 'etc', 'dir1', 'dir2', 'data/sub']) mkdirSync(join(root, dir), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  chmodSync(join(root, 'bin/busybox'), 0o755);
  const applets =
    'sh true false cat echo env hostname httpd id ifconfig ip kill ls mknod mount nc nslookup ping pwd readlink route sleep stat touch wget sync dd grep yes head seq test wc trap tty stty';
  for (const applet of applets.split(' ')) symlinkSync('busybox', join(root, 'bin', applet));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nuser1:x:1000:1000::/:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\ngroup1:x:100:\n');
  writeFileSync(join(root, 'dir1/file'), 'dir1');
  writeFileSync(join(root, 'dir2/file'), 'dir2');
  writeFileSync(join(root, 'data/sub/inside'), 'from the image');
  writeFileSync(join(root, 'bin/no-loader'), '#!/missing/interpreter\n', { mode: 0o755 });
  symlinkSync('../dir2', join(root, 'dir1/link_rel_dir2'));
  symlinkSync('/dir2', join(root, 'dir1/link_abs_dir2'));
  symlinkSync('/../dir2', join(root, 'dir1/link_abs_dotdot_dir2'));
  symlinkSync('/', join(root, 'dir1/link_abs_root'));
  symlinkSync('/notexists', join(root, 'dir1/link_abs_notexists'));
  symlinkSync('../run/resolv/stub', join(root, 'etc/resolv.conf'));
}

function addImage(dataDir: string, repository: string, config: Partial<ImageConfig>): void {
  const store = openImageStore(dataDir);
  try {
    const digest = digestOf(repository);
    const root = join(treePath(store.layout, digest), 'fs');
    mkdirSync(root, { recursive: true });
    fillRoot(root);
    const record = { chainId: digest.text, sizeBytes: 1_258_291 };
    writeFileSync(join(treePath(store.layout, digest), 'layer.json'), `${JSON.stringify(record)}\n`);
    const name = `registry-1.docker.io/library/${repository}`;
    const id = computeImageId(name, 'latest', digest);
    store.put({
      id,
      name,
      version: 'latest',
      labels: { version: 'latest', os: 'linux', arch: 'amd64' },
      manifestDigest: digest,
      config: { ...emptyImageConfig, Env: ['PATH=/bin', 'VAR_FROM_MANIFEST=manifest'], ...config },
      layers: [{ diffId: digest, chainId: digest, sizeBytes: 1_258_291 }],
      sizeBytes: 1_258_291,
      importedAtMs: 1_700_000_000_000,
      lastUsedMs: 1_700_000_000_000,
    });
    store.remember(repository, id);
  } finally {
    store.close();
  }
}

async function untilExists(path: string): Promise<void> {
  for (let attempt = 0; attempt < 1000 && !existsSync(path); attempt++) await Bun.sleep(5);
  if (!existsSync(path)) throw new Error(`${path} did not appear`);
}

/** Collects a stream and tells when words have come. */
function follow(stream: ReadableStream<Uint8Array>) {
  let text = '';
  const waiting = new Map<string, () => void>();
  const output = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      text += decoder.decode(bytes, { stream: true });
      for (const [expected, resolve] of waiting) if (text.includes(expected)) resolve();
    }
    return text;
  })();
  const printed = (expected: string): Promise<void> =>
    new Promise((resolve) => {
      if (text.includes(expected)) resolve();
      else waiting.set(expected, resolve);
    });
  return { output, printed, soFar: () => text };
}

/** Whether the groups are gone; not while a process in them is still ending. */
function tryRemoveGroups(uuid: string): boolean {
  try {
    removePodCgroups(uuid);
    return true;
  } catch {
    return false;
  }
}

/** Removes what pods that were killed, and that nobody removes, have left outside of this world. */
async function removeGroupsOfPods(dataDir: string): Promise<void> {
  for (const path of new Bun.Glob('pods/*/*').scanSync({ cwd: dataDir, onlyFiles: false })) {
    for (let attempt = 0; attempt < 200 && !tryRemoveGroups(basename(path)); attempt++) await Bun.sleep(10);
  }
}

/** What runs longer than `timeoutMs` is killed. */
export async function openWorld(timeoutMs = 30_000): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'ocitest-rkt-'));
  const dataDir = join(directory, 'data');
  const netDir = join(directory, 'local/net.d');
  mkdirSync(netDir, { recursive: true });
  addImage(dataDir, 'busybox', { Cmd: ['sh'] });
  addImage(dataDir, 'volumes', {
    Entrypoint: ['/bin/sh', '-c'],
    Volumes: ['/data'],
    User: 'user1',
    WorkingDir: '/new/dir',
  });
  const ready = join(directory, 'ready');
  const setUp = `mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib && ip link set lo up && touch ${ready}`;
  const holder = Bun.spawn(
    ['setpriv', '--pdeathsig', 'KILL', 'unshare', '--mount', '--net', 'sh', '-ec', `${setUp}; exec sleep 3600`],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await untilExists(ready);
  const netns = `/proc/${holder.pid}/ns/net`;
  const inside = (command: readonly string[]): Running => {
    const child = Bun.spawn(['nsenter', `--target=${holder.pid}`, '--mount', '--net', '--', ...command], {
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      env: { ...process.env, VAR_OTHER: 'host' },
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const { output, printed, soFar } = follow(child.stdout);
    const errors = follow(child.stderr);
    const ended = Promise.all([child.exited, output, errors.output]).then(
      ([status, stdout, stderr]): Result => ({ status, stdout, stderr }),
    );
    return {
      pid: child.pid,
      ended,
      printed,
      output: soFar,
      errors: errors.soFar,
      kill: (signal) => child.kill(signal),
    };
  };
  const options = [
    `--dir=${dataDir}`,
    `--local-config=${join(directory, 'local')}`,
    `--system-config=${directory}/system`,
  ];
  const rktCommand = (args: readonly string[]) => [bun, main, 'rkt', ...options, ...args];
  return {
    directory,
    dataDir,
    netDir,
    rkt: (...args) => inside(rktCommand(args)).ended,
    start: (...args) => inside(rktCommand(args)),
    command: (...args) => rktCommand(args),
    launch: (...command) => inside(command),
    run: (...command) => inside(command).ended,
    async close() {
      for (const pid of observeHolders(RKT_HOLDER, netns)) process.kill(pid, 'SIGKILL');
      holder.kill('SIGKILL');
      await holder.exited;
      await removeGroupsOfPods(dataDir);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
