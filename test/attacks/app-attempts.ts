// What a hostile app tries against the machine, one row each, as hostile.c takes them. All of it is to be refused.
import { statSync } from 'node:fs';
import type { Attempt } from './hostile-app.ts';

const secretsOfTheKernel = [
  '/proc/kcore',
  '/proc/kmsg',
  '/proc/keys',
  '/proc/timer_list',
  '/proc/sched_debug',
  '/proc/latency_stats',
  '/proc/config.gz',
  '/proc/interrupts',
  '/dev/mem',
  '/dev/kmsg',
  '/dev/vda',
  '/sys/firmware/dmi/tables/DMI',
  '/sys/kernel/debug/sched/features',
  '/sys/fs/cgroup/memory/memory.usage_in_bytes',
];

const settingsOfTheHost = [
  '/proc/sys/kernel/core_pattern',
  '/proc/sys/kernel/modprobe',
  '/proc/sys/kernel/hostname',
  '/proc/sys/kernel/yama/ptrace_scope',
  '/proc/sys/vm/drop_caches',
  '/proc/sys/fs/file-max',
  '/proc/sys/net/ipv4/ip_forward',
  '/proc/sysrq-trigger',
  '/proc/irq/default_smp_affinity',
  '/proc/bus/pci/00/00.0',
  '/proc/1/exe',
  '/sys/kernel/uevent_helper',
  '/sys/kernel/mm/transparent_hugepage/enabled',
  '/sys/class/net/lo/mtu',
  '/sys/fs/cgroup/release_agent',
];

const calls: readonly Attempt[] = [
  ['ptrace', '1'],
  ['setns', '/proc/1/ns/mnt'],
  ['setns', '/proc/1/ns/pid'],
  ['setns', '/proc/1/ns/uts'],
  ['mount', '/tmp'],
  ['remount', '/proc/sys'],
  ['remount', '/sys'],
  ['umount', '/proc/sys'],
  ['umount', '/proc/keys'],
  ['pivot_root', ''],
  ['unshare-user', ''],
  ['unshare-mount', ''],
  ['clone-user', ''],
  ['bpf', ''],
  ['perf', ''],
  ['io_uring', ''],
  ['userfaultfd', ''],
  ['keyctl', ''],
  ['add_key', ''],
  ['handle', ''],
  ['socket', '38'],
  ['socket', '40'],
  ['personality', '0x0040000'],
  ['clock', ''],
  ['hostname', ''],
  ['klog', ''],
  ['module', ''],
  ['kexec', ''],
  ['reboot', ''],
  ['swapoff', ''],
  ['route', ''],
  ['kill-all', ''],
  ['tiocsti', 'x'],
];

/** The table; the machine's own disk is one of the rows. */
export function appAttempts(): readonly Attempt[] {
  return [
    ...secretsOfTheKernel.map((path): Attempt => ['read', path]),
    ...settingsOfTheHost.map((path): Attempt => ['write', path]),
    ...calls,
    ['disk', String(statSync('/').dev)],
  ];
}
