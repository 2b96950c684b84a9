// The system calls of a pod's first process, as the program that seccomp(2) takes. A root app of the pod may write to that
// process's memory; what it gains by that is nothing but these calls.

/** What catatonit and the C library's start need. Source: strace of `catatonit -P`, 0.1.7. */
const x64: Readonly<Record<string, number>> = {
  read: 0,
  write: 1,
  close: 3,
  fstat: 5,
  poll: 7,
  mmap: 9,
  mprotect: 10,
  munmap: 11,
  brk: 12,
  rt_sigaction: 13,
  rt_sigprocmask: 14,
  rt_sigreturn: 15,
  pause: 34,
  getpid: 39,
  execve: 59,
  exit: 60,
  wait4: 61,
  uname: 63,
  readlink: 89,
  prctl: 157,
  arch_prctl: 158,
  futex: 202,
  set_tid_address: 218,
  exit_group: 231,
  waitid: 247,
  readlinkat: 267,
  ppoll: 271,
  set_robust_list: 273,
  signalfd4: 289,
  prlimit64: 302,
  getrandom: 318,
  rseq: 334,
  close_range: 436,
};

const arm64: Readonly<Record<string, number>> = {
  close: 57,
  read: 63,
  write: 64,
  ppoll: 73,
  signalfd4: 74,
  readlinkat: 78,
  fstat: 80,
  exit: 93,
  exit_group: 94,
  waitid: 95,
  set_tid_address: 96,
  futex: 98,
  set_robust_list: 99,
  rt_sigaction: 134,
  rt_sigprocmask: 135,
  rt_sigreturn: 139,
  uname: 160,
  prctl: 167,
  getpid: 172,
  brk: 214,
  munmap: 215,
  execve: 221,
  mmap: 222,
  mprotect: 226,
  wait4: 260,
  prlimit64: 261,
  getrandom: 278,
  rseq: 293,
  close_range: 436,
};

/** AUDIT_ARCH of linux/audit.h, and the calls, by Node's name of the architecture. */
const machines: Readonly<Record<string, { readonly audit: number; readonly calls: Readonly<Record<string, number>> }>> =
  {
    x64: { audit: 0xc000003e, calls: x64 },
    arm64: { audit: 0xc00000b7, calls: arm64 },
  };

// Source: linux/bpf_common.h and linux/seccomp.h.
const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const NUMBER_OFFSET = 0;
const ARCH_OFFSET = 4;
const RET_ALLOW = 0x7fff0000;
const RET_ERRNO = 0x00050000;
const RET_KILL_PROCESS = 0x80000000;
const EPERM = 1;

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, operand: number];

function encode(program: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(([code, jumpTrue, jumpFalse, operand], index) => {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, jumpTrue);
    view.setUint8(index * 8 + 3, jumpFalse);
    view.setUint32(index * 8 + 4, operand, true);
  });
  return bytes;
}

/**
 * A classic BPF program, 8 bytes an instruction: another architecture's calls kill, calls of the list are allowed, all
 * others are not permitted (EPERM). undefined for an architecture that Ocicat does not know. Source: seccomp(2).
 */
export function computePauseFilter(architecture: string): Uint8Array<ArrayBuffer> | undefined {
  const machine = machines[architecture];
  if (machine === undefined) return undefined;
  const numbers = Object.values(machine.calls);
  return encode([
    [LOAD_WORD, 0, 0, ARCH_OFFSET],
    [JUMP_IF_EQUAL, 1, 0, machine.audit],
    [RETURN, 0, 0, RET_KILL_PROCESS],
    [LOAD_WORD, 0, 0, NUMBER_OFFSET],
    ...numbers.map((number, index): Instruction => [JUMP_IF_EQUAL, numbers.length - index, 0, number]),
    [RETURN, 0, 0, RET_ERRNO | EPERM],
    [RETURN, 0, 0, RET_ALLOW],
  ]);
}
