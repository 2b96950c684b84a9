// The OCI runtime configuration of one app, config.json, which crun reads.
import type { Device } from './devices.ts';
import { computeSeccomp } from './seccomp.ts';
import type { TerminalSize } from './terminal-size.ts';

export interface OciMount {
  readonly destination: string;
  readonly source: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** undefined: nothing was asked for. */
export interface AppLimits {
  readonly memoryBytes: number | undefined;
  readonly milliCpu: number | undefined;
  readonly cpuShares: number | undefined;
  /** Processes and threads; 0 for no limit. */
  readonly pids: number | undefined;
}

export interface AppSpec {
  readonly rootfs: string;
  readonly readOnlyRootfs: boolean;
  readonly args: readonly string[];
  readonly environment: readonly string[];
  readonly workingDirectory: string;
  readonly uid: number;
  readonly gid: number;
  readonly supplementaryGids: readonly number[];
  readonly capabilities: readonly string[];
  readonly oomScoreAdj: number;
  /** Paths of namespaces to join; undefined for the host's. */
  readonly namespaces: { readonly pid: string; readonly uts: string; readonly ipc?: string; readonly network?: string };
  /** After the standard ones. */
  readonly mounts: readonly OciMount[];
  /** Size of the terminal that the app gets; undefined for none. */
  readonly terminal: TerminalSize | undefined;
  /** Path of the program that takes device nodes away, on the host. */
  readonly nodevProgram: string;
  /** Bound from elsewhere, because nodes on a file system mounted `nodev` cannot be opened. */
  readonly devices: readonly Device[];
  /** Files of this machine that tell of its heat and load; hidden with those of every machine. */
  readonly sensors: readonly string[];
  /** What `--insecure-options` lifted. */
  readonly lifted: { readonly paths: boolean; readonly seccomp: boolean };
  /** Node's name of the machine's architecture. */
  readonly architecture: string;
}

function mount(destination: string, type: string, source: string, ...options: readonly string[]): OciMount {
  return { destination, type, source, options };
}

/**
 * No file system of an app honours device nodes: an app may make nodes (CAP_MKNOD), and without a device cgroup that would
 * be a way to the host's disks. With `paths` lifted they count, as there the user asked for it.
 */
function deviceMounts(spec: AppSpec): readonly OciMount[] {
  const nodev = spec.lifted.paths ? [] : ['nodev'];
  return [
    mount('/dev', 'tmpfs', 'tmpfs', 'nosuid', ...nodev, 'strictatime', 'mode=755', 'size=65536k'),
    ...spec.devices.map(({ name, source }) => mount(`/dev/${name}`, 'bind', source, 'bind', 'rw', 'nosuid', 'noexec')),
    mount('/dev/pts', 'devpts', 'devpts', 'nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'),
    mount('/dev/shm', 'tmpfs', 'shm', 'nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'),
  ];
}

/** `/proc`, `/dev` and `/sys`; a mount of the app on `/sys` or below takes its place. */
function standardMounts(spec: AppSpec): readonly OciMount[] {
  const ownSys = spec.mounts.some(({ destination }) => /^\/sys(\/|$)/.test(destination));
  const sys = mount('/sys', 'sysfs', 'sysfs', 'nosuid', 'noexec', 'nodev', ...(spec.lifted.paths ? [] : ['ro']));
  return [mount('/proc', 'proc', 'proc', 'nosuid', 'noexec', 'nodev'), ...deviceMounts(spec), ...(ownSys ? [] : [sys])];
}

/** Hidden from apps: what rkt and Docker hide, and what tells of the host's hardware and load. */
const maskedPaths = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/config.gz',
  '/proc/interrupts',
  '/proc/kallsyms',
  '/proc/kcore',
  '/proc/keys',
  '/proc/kmem',
  '/proc/latency_stats',
  '/proc/mem',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
  '/sys/fs',
  '/sys/hypervisor',
  '/sys/module',
  '/sys/power',
];

/** Not to be written by apps. `/proc/sys` is whole in it, as most of it is the host's. */
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** Only the bounding set for users other than root: they gain capabilities by nothing but the image's own files. */
function capabilitySets(spec: AppSpec): unknown {
  const bounding = spec.capabilities;
  const held = spec.uid === 0 ? bounding : [];
  return { bounding, effective: held, permitted: held, inheritable: [], ambient: [] };
}

function namespaceList(spec: AppSpec): unknown {
  const { pid, uts, ipc, network } = spec.namespaces;
  return [
    { type: 'mount' },
    { type: 'pid', path: pid },
    { type: 'uts', path: uts },
    ...(ipc === undefined ? [] : [{ type: 'ipc', path: ipc }]),
    ...(network === undefined ? [] : [{ type: 'network', path: network }]),
  ];
}

/**
 * crun drops the flags of the root's mount, so a program of ours takes device nodes away again, in the app's mount
 * namespace and before its root is changed.
 */
function hooksOf(spec: AppSpec): unknown {
  if (spec.lifted.paths) return {};
  const args = ['nodev', spec.rootfs, ...(spec.readOnlyRootfs ? ['ro'] : [])];
  return { createContainer: [{ path: spec.nodevProgram, args }] };
}

/** The size of a process's terminal. Source: OCI runtime-spec, config.md, "Process". */
export function consoleSize(terminal: TerminalSize | undefined): object {
  return terminal === undefined ? {} : { consoleSize: { height: terminal.rows, width: terminal.columns } };
}

/** The object that config.json holds. Source: OCI runtime-spec 1.0, config.md and config-linux.md. */
export function computeOciSpec(spec: AppSpec): unknown {
  const filtered = !spec.lifted.seccomp;
  return {
    ociVersion: '1.0.0',
    root: { path: spec.rootfs, readonly: spec.readOnlyRootfs },
    process: {
      terminal: spec.terminal !== undefined,
      ...consoleSize(spec.terminal),
      user: { uid: spec.uid, gid: spec.gid, additionalGids: spec.supplementaryGids },
      args: spec.args,
      env: spec.environment,
      cwd: spec.workingDirectory,
      capabilities: capabilitySets(spec),
      noNewPrivileges: filtered && spec.uid !== 0,
      oomScoreAdj: spec.oomScoreAdj,
    },
    mounts: [...standardMounts(spec), ...spec.mounts],
    hooks: hooksOf(spec),
    linux: {
      namespaces: namespaceList(spec),
      rootfsPropagation: 'rslave',
      maskedPaths: spec.lifted.paths ? [] : [...maskedPaths, ...spec.sensors],
      readonlyPaths: spec.lifted.paths ? [] : readonlyPaths,
      ...(filtered ? { seccomp: computeSeccomp(spec.architecture, spec.capabilities) } : {}),
    },
  };
}
