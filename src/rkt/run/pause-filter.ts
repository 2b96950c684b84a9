// The system calls of a pod's first process, as the program that seccomp(2) takes. A root app of the pod may write to that
// process's memory; what it gains by that is nothing but these calls.

/** What native/pause.c and the C library's start need. Source: strace of it. */
const x64: Readonly<Record<string, number>> = {
  rt_sigaction: 13,
  rt_sigprocmask: 14,
  rt_sigreturn: 15,
  pause: 34,
  execve: 59,
  exit: 60,
  arch_prctl: 158,
  set_tid_address: 218,
  exit_group: 231,
};

/** There is no pause(2) here, the C library has ppoll(2) for it. */
const arm64: Readonly<Record<string, number>> = {
  ppoll: 73,
  exit: 93,
  exit_group: 94,
  set_tid_address: 96,
  rt_sigaction: 134,
  rt_sigprocmask: 135,
  rt_sigreturn: 139,
  execve: 221,
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
