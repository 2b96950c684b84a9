// Which capabilities an app may have.
import { OcicatError } from '../../base/errors.ts';

/** What apps keep by default. Source: rkt v1.30.0, stage1/init/common/app.go. */
export const defaultCapabilities: readonly string[] = [
  'CAP_AUDIT_WRITE',
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_MKNOD',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
];

/** Every capability in the order of its bit. Source: linux/capability.h. */
export const allCapabilities: readonly string[] = `
CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT
SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP
MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
`
  .trim()
  .split(/\s+/)
  .map((name) => `CAP_${name}`);

/** Names of the bits of a set as /proc writes it: hexadecimal digits. */
export function namesOfCapabilities(hex: string): readonly string[] {
  const bits = BigInt(`0x${hex}`);
  return allCapabilities.filter((_, bit) => ((bits >> BigInt(bit)) & 1n) === 1n);
}

/** How an app's set differs from the default one. */
export type CapabilityRule =
  | { readonly kind: 'default' }
  | { readonly kind: 'retain'; readonly set: readonly string[] }
  | { readonly kind: 'remove'; readonly set: readonly string[] };

/** A comma list of capability names. Throws `invalid` for a name that Linux does not have. */
export function parseCapabilities(text: string): readonly string[] {
  const names = text.split(',').filter((name) => name !== '');
  const unknown = names.find((name) => !allCapabilities.includes(name));
  if (unknown !== undefined) throw new OcicatError('invalid', `capability "${unknown}": unknown, wanted CAP_NAME`);
  return names;
}

/** The bounding set, sorted. `retain` is exactly its list, `remove` the default set without its list. */
export function computeCapabilities(rule: CapabilityRule): readonly string[] {
  switch (rule.kind) {
    case 'default':
      return defaultCapabilities;
    case 'retain':
      return [...new Set(rule.set)].sort();
    case 'remove':
      return defaultCapabilities.filter((name) => !rule.set.includes(name));
  }
}
