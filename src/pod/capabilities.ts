// Which capabilities an app may have.
import { OcicatError } from '../base/errors.ts';

/** What apps keep unless told otherwise. Source: facts §6.2. */
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

/** Every capability that Linux 6.18 has. Source: capabilities(7). */
export const allCapabilities: readonly string[] = [
  ...defaultCapabilities,
  'CAP_AUDIT_CONTROL',
  'CAP_AUDIT_READ',
  'CAP_BLOCK_SUSPEND',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
  'CAP_DAC_READ_SEARCH',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_LEASE',
  'CAP_LINUX_IMMUTABLE',
  'CAP_MAC_ADMIN',
  'CAP_MAC_OVERRIDE',
  'CAP_NET_ADMIN',
  'CAP_NET_BROADCAST',
  'CAP_PERFMON',
  'CAP_SYSLOG',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_MODULE',
  'CAP_SYS_NICE',
  'CAP_SYS_PACCT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_WAKE_ALARM',
].sort();

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
