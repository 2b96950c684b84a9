// A bare Debian with systemd as process 1, in namespaces and a control group of its own, on a segment of other hosts.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ProcessIdentity, tryIdentify } from '../../src/sys/processes.ts';

const BOOT_TIMEOUT_MS = 30_000;
/** Until systemd begins: what prepares the root may install packages. */
const PREPARE_TIMEOUT_MS = 240_000;
const COMMAND_TIMEOUT_MS = 110_000;

interface Outcome {
  readonly status: number;
  /** Standard output and standard error. */
  readonly output: string;
}

export interface DebianHost {
  readonly name: string;
  /** systemd. */
  readonly init: ProcessIdentity;
  /** A shell script, in a folder; what it asks is answered with `y`. */
  run(script: string, folder?: string): Promise<Outcome>;
  /** As run; throws with the output when the status is not 0, and returns it. */
  must(script: string, folder?: string): Promise<string>;
  /** A program of this machine in the host's network. */
  fromOutside(...command: readonly string[]): string;
  /** Ends it, as a power failure does. */
  end(): Promise<void>;
}

/** The hierarchy that systemd takes; throws where this machine has none that may be used. */
function findCgroups(): string {
  const found = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) => existsSync(join(path, 'cgroup.procs')));
  if (found === undefined)
    throw new Error('systemd as process 1 needs control groups of version 2: there are none here');
  return found;
}

/**
 * Makes the root and becomes systemd. The kernel's settings of the machine cannot be written, those of the network, which
 * are the host's own, can; the machine's devices are out of sight, and what goes to the kernel's log goes to a file.
 */
const BECOME_HOST = `set -e
archive=$1 name=$2 project=$3 log=$4 prepare=$5 root=/mnt
mount -t tmpfs -o mode=755 tmpfs $root
tar -C $root -xf "$archive" --numeric-owner
mkdir -p $root/root/ocicat/dist
mount --bind "$project/dist" $root/root/ocicat/dist
mount -o remount,bind,ro $root/root/ocicat/dist
mount -t proc proc $root/proc
mount --bind $root/proc/sys $root/proc/sys
mount --bind $root/proc/sys/net $root/proc/sys/net
mount -o remount,bind,ro $root/proc/sys
mount -t sysfs -o ro sysfs $root/sys
mount -t cgroup2 cgroup2 $root/sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs $root/dev
mkdir $root/dev/net
for device in null zero full random urandom tty net/tun; do
  touch $root/dev/$device
  mount --bind /dev/$device $root/dev/$device
done
mkdir $root/dev/pts
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts $root/dev/pts
touch $root/dev/kmsg
mount --bind "$log" $root/dev/kmsg
ln -s pts/ptmx $root/dev/ptmx
ln -s /proc/self/fd $root/dev/fd
echo "$name" >$root/etc/hostname
echo 0 >/proc/sys/net/ipv4/ip_forward
chroot $root env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive sh -c "$prepare"
mkdir $root/machine
cd $root
pivot_root . machine
umount -l /machine
rmdir /machine
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /sbin/init --log-target=kmsg --log-level=warning </dev/null >&2`;

const NAMESPACES = ['--cgroup', '--mount', '--net', '--pid', '--uts', '--ipc'];

function spawnHost(
  name: string,
  archive: string,
  group: string,
  log: string,
  prepare: string,
): Bun.Subprocess<'ignore', 'ignore', 'pipe'> {
  const project = join(import.meta.dir, '../..');
  const become = ['sh', '-c', BECOME_HOST, 'sh', archive, name, project, log, prepare];
  const unshare = ['unshare', ...NAMESPACES, '--fork', '--kill-child=KILL', '--propagation=private', ...become];
  const enter = ['sh', '-c', 'echo 0 >"$0/cgroup.procs" && exec "$@"', group, ...unshare];
  return Bun.spawn(['setpriv', '--pdeathsig', 'KILL', ...enter], { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' });
}

/** Process 1 once it is systemd. */
function findSystemd(launcher: number): ProcessIdentity | undefined {
  const children = `/proc/${launcher}/task/${launcher}/children`;
  const pid = Number(existsSync(children) ? readFileSync(children, 'utf8').trim() : '');
  if (!(pid > 0) || readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== 'systemd') return undefined;
  return tryIdentify(pid);
}

async function waitForSystemd(
  launcher: Bun.Subprocess<'ignore', 'ignore', 'pipe'>,
  log: string,
): Promise<ProcessIdentity> {
  const words = new Response(launcher.stderr).text();
  for (let waitedMs = 0; waitedMs < PREPARE_TIMEOUT_MS && launcher.exitCode === null; waitedMs += 20) {
    const init = findSystemd(launcher.pid);
    if (init !== undefined) return init;
    await Bun.sleep(20);
  }
  const ended = launcher.exitCode === null ? 'it did not appear' : `it ended with status ${launcher.exitCode}`;
  launcher.kill('SIGKILL');
  throw new Error(`start systemd: ${ended}: ${(await words).trim()}\n${readFileSync(log, 'utf8')}`);
}

/** False while the kernel still counts processes in it, which it does for a moment after their end. */
function tryRemoveGroup(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EBUSY') return false;
    throw error;
  }
}

/** Groups go one by one, the innermost first, and only when the last process in them has gone. */
async function removeGroup(group: string): Promise<void> {
  for (const entry of readdirSync(group, { withFileTypes: true }))
    if (entry.isDirectory()) await removeGroup(join(group, entry.name));
  for (let tries = 0; !tryRemoveGroup(group); tries++) {
    if (tries === 500) throw new Error(`${group}: still in use after 5 s`);
    await Bun.sleep(10);
  }
}

async function run(init: ProcessIdentity, script: string, folder: string): Promise<Outcome> {
  const enter = ['nsenter', `--target=${init.pid}`, '--all', `--wd=/`, '--'];
  const child = Bun.spawn([...enter, 'bash', '-c', `cd ${folder} && exec 2>&1; ${script}`], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', DEBIAN_FRONTEND: 'noninteractive' },
    stdin: new Blob(['y\n'.repeat(50)]),
    stdout: 'pipe',
    stderr: 'ignore',
    timeout: COMMAND_TIMEOUT_MS,
  });
  const [output, status] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  return { output, status };
}

function openHost(name: string, init: ProcessIdentity, end: () => Promise<void>): DebianHost {
  return {
    name,
    init,
    end,
    run: (script, folder = '/root') => run(init, script, folder),
    async must(script, folder = '/root') {
      const { output, status } = await run(init, script, folder);
      if (status !== 0) throw new Error(`${name}: ${script}\nstatus ${status}\n${output}`);
      return output;
    },
    fromOutside(...command) {
      return Bun.spawnSync(['nsenter', `--target=${init.pid}`, '--net', '--', ...command]).stdout.toString();
    },
  };
}

/** Until every unit that the host starts with has started. Throws when one has not. */
async function waitForUnits({ name, run, must }: DebianHost): Promise<void> {
  let state = '';
  for (let waitedMs = 0; waitedMs < BOOT_TIMEOUT_MS; waitedMs += 50) {
    state = (await run('systemctl is-system-running')).output.trim();
    if (state === 'running') return;
    if (state === 'degraded') break;
    await Bun.sleep(50);
  }
  throw new Error(`${name}: systemd is "${state}": ${await must('systemctl --failed')}`);
}

/**
 * `connect` gives the host its network, as whoever sets up machines does; `prepare` is a shell script that is run in the root before
 * there is a systemd, as whoever builds images of machines does.
 */
async function tryStart(
  name: string,
  archive: string,
  connect: (init: ProcessIdentity) => Promise<void>,
  prepare = '',
): Promise<DebianHost> {
  const group = join(findCgroups(), `ocicat-install-${process.pid}-${name}`);
  const folder = mkdtempSync(join(tmpdir(), 'ocitest-debian-'));
  const log = join(folder, 'kmsg');
  writeFileSync(log, '');
  mkdirSync(group);
  const launcher = spawnHost(name, archive, group, log, prepare);
  const end = async () => {
    launcher.kill('SIGKILL');
    await launcher.exited;
    await removeGroup(group);
    rmSync(folder, { recursive: true });
  };
  try {
    const init = await waitForSystemd(launcher, log);
    const host = openHost(name, init, end);
    await connect(init);
    await waitForUnits(host);
    return host;
  } catch (error) {
    await end();
    throw error;
  }
}

/**
 * What systemd needs of the kernel (inotify, control groups) has limits that all of a machine share: where it does not start,
 * it is told, and started once more.
 */
export async function startDebian(...start: Parameters<typeof tryStart>): Promise<DebianHost> {
  try {
    return await tryStart(...start);
  } catch (error) {
    console.error(`${error}\nonce more:`);
    await Bun.sleep(1000);
    return tryStart(...start);
  }
}
