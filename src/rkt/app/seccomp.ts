// The system calls that apps may make, as the seccomp section of an OCI configuration.

/**
 * What programs need that have no special right, as Docker's default profile has it (github.com/moby/profiles, seccomp).
 * `clone`, `socket` and `personality` have rules of their own below.
 */
const allowed = `
_llseek _newselect accept accept4 access adjtimex alarm arch_prctl bind brk cachestat capget capset chdir chmod
chown chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
clock_nanosleep clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3 epoll_create
epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve
execveat exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat
fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr
fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait
futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid getegid32
geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid
getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid getsockname getsockopt
gettid gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch inotify_init inotify_init1
inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl
ioprio_get ioprio_set ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32
lgetxattr link linkat listen listmount listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lstat lstat64
madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2
mlockall mmap mmap2 modify_ldt mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64
mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap
name_to_handle_at nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc
pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6
pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv recvfrom recvmmsg
recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall rmdir
rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity
sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity
sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop
semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto set_robust_list set_thread_area set_tid_address
setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid
setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid
setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaction sigaltstack signalfd signalfd4 sigpending
sigprocmask sigreturn sigsuspend socketcall socketpair splice stat stat64 statfs statfs64 statmount statx symlink
symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun
timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64
timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat uretprobe
utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev
`;

/**
 * Calls that exist and are refused, so that a program is told "not permitted". What is in neither list "does not exist"
 * (ENOSYS), because libcs fall back to an older call on that answer only.
 */
const denied = `
_sysctl acct add_key bpf chroot clock_settime clock_settime64 create_module delete_module fanotify_init finit_module
fsconfig fsmount fsopen fspick get_kernel_syms get_mempolicy init_module io_uring_enter io_uring_register
io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mbind mount mount_setattr
move_mount move_pages nfsservctl open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise
process_vm_readv process_vm_writev ptrace query_module quotactl quotactl_fd reboot request_key set_mempolicy
set_mempolicy_home_node setdomainname sethostname setns settimeofday stime swapoff swapon sysfs syslog umount
umount2 unshare uselib userfaultfd ustat vhangup vm86 vm86old
`;

/**
 * Calls that an app gets with a capability, which the kernel asks for as well: of those in Docker's default profile the ones
 * that leave the host in charge. What would make the app its master (mounts, modules, ports, handles of files, programs in
 * the kernel) wants `--insecure-options=seccomp` besides the capability.
 */
const allowedWith: Readonly<Record<string, string>> = {
  CAP_SYSLOG: 'syslog',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace',
  CAP_SYS_TIME: 'clock_settime clock_settime64 settimeofday stime',
  CAP_SYS_TTY_CONFIG: 'vhangup',
};

const EPERM = 1;
const ENOSYS = 38;
const ALLOW = 'SCMP_ACT_ALLOW';

/** Flags of clone(2) that make namespaces; an app that is not to unshare is not to clone into new ones either. */
const NAMESPACE_FLAGS = 0x7e020000;

/**
 * Architectures by libseccomp's names: the kernel's own and the 32-bit one it also runs. Each costs crun about 15 ms a
 * start.
 */
const architectures: Readonly<Record<string, readonly string[]>> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
};

/** Calls of 32-bit ARM that its libc cannot do without. Source: rkt v1.30.0, stage1/init/common/seccomp.go. */
const armCalls = ['arm_fadvise64_64', 'arm_sync_file_range', 'breakpoint', 'cacheflush', 'set_tls', 'sync_file_range2'];

function names(text: string): readonly string[] {
  return text.split(/\s+/).filter((name) => name !== '');
}

/**
 * Address families that reach past the network namespace: the kernel's ciphers, and the hypervisor. Source:
 * address_families(7).
 */
const [AF_ALG, BETWEEN, AF_VSOCK] = [38, 39, 40];

/**
 * Execution domains that change nothing for others: Linux's own, 32 bit, without address layout of the old kind. Source:
 * personality(2).
 */
const PERSONALITIES = [0, 8, 0x20000, 0x20008, 0xffffffff];

interface Argument {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: string;
}

/** Allows calls whose argument fits; several rules for one call are alternatives. */
function allowIf(name: string, ...args: readonly Argument[]): readonly unknown[] {
  return args.map((argument) => ({ names: [name], action: ALLOW, args: [argument] }));
}

/** Calls in `denied` that these capabilities bring. */
function callsWith(capabilities: readonly string[]): readonly string[] {
  return [...new Set(capabilities.flatMap((name) => names(allowedWith[name] ?? '')))];
}

/**
 * The `linux.seccomp` object for an app with these capabilities. `architecture` is Node's name of it.
 * Source: OCI runtime-spec, config-linux.md.
 */
export function computeSeccomp(architecture: string, capabilities: readonly string[]): unknown {
  const brought = callsWith(capabilities);
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENOSYS,
    architectures: architectures[architecture] ?? [],
    syscalls: [
      {
        names: [...names(allowed), ...brought, ...(architecture === 'arm64' ? armCalls : [])],
        action: ALLOW,
      },
      {
        names: names(denied).filter((name) => !brought.includes(name)),
        action: 'SCMP_ACT_ERRNO',
        errnoRet: EPERM,
      },
      ...allowIf('clone', { index: 0, value: NAMESPACE_FLAGS, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }),
      ...allowIf(
        'socket',
        { index: 0, value: AF_ALG, op: 'SCMP_CMP_LT' },
        { index: 0, value: BETWEEN, op: 'SCMP_CMP_EQ' },
        { index: 0, value: AF_VSOCK, op: 'SCMP_CMP_GT' },
      ),
      ...allowIf('personality', ...PERSONALITIES.map((value) => ({ index: 0, value, op: 'SCMP_CMP_EQ' }))),
    ],
  };
}
