// Whether the kernel forwards packets, as workloads need it: switched on as Felix does (`ipForwarding`), and kept so.

import type { Log } from '../../sys/log.ts';
import { applySysctls, tryReadSysctl } from '../../sys/sysctl.ts';

export interface Forwarding {
  /** Whether it is wanted at all; what is not wanted is left as it is. Not before the first call. */
  setEnabled(isEnabled: boolean): void;
  /** Whether IPv6 is forwarded too. */
  setUsesIpv6(usesIpv6: boolean): void;
  /** Somebody may have switched it off. */
  restore(): void;
}

/** Kernel documentation, networking/ip-sysctl: each is the switch of all interfaces of its family. */
const IPV4_SWITCH = 'net/ipv4/ip_forward';
const IPV6_SWITCH = 'net/ipv6/conf/all/forwarding';

/** Written only where it is off: writing the switch of all sets those of single interfaces too. */
export function createForwarding(log: Log): Forwarding {
  let enabled = false;
  let hasIpv6 = false;

  function switchOn(name: string): void {
    if (tryReadSysctl(name) !== '0') return; // on, or a kernel without the family
    try {
      applySysctls([{ name, value: '1' }]);
      log.info(`forwarding switched on: ${name.replaceAll('/', '.')}=1`);
    } catch (error) {
      log.error('switch forwarding on: packets of workloads do not leave this host', error);
    }
  }

  function restore(): void {
    if (enabled) switchOn(IPV4_SWITCH);
    if (enabled && hasIpv6) switchOn(IPV6_SWITCH);
  }

  return {
    setEnabled(isEnabled) {
      enabled = isEnabled;
      restore();
    },
    setUsesIpv6(usesIpv6) {
      hasIpv6 = usesIpv6;
      restore();
    },
    restore,
  };
}
