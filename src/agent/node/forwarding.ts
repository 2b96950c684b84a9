// Whether the kernel forwards packets, as workloads need it: switched on as Felix does (`ipForwarding`), and kept so.

import type { Log } from '../../sys/log.ts';
import { applySysctls, tryReadSysctl } from '../../sys/sysctl.ts';

/** Which families are to be forwarded; the other ones are left as they are. */
export interface ForwardingNeed {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

export interface Forwarding {
  /** From now on this is wanted. */
  follow(need: ForwardingNeed): void;
  /** Somebody may have switched it off. */
  restore(): void;
}

/** Kernel documentation, networking/ip-sysctl: each is the switch of all interfaces of its family. */
const SWITCHES: Readonly<Record<keyof ForwardingNeed, string>> = {
  ipv4: 'net/ipv4/ip_forward',
  ipv6: 'net/ipv6/conf/all/forwarding',
};

/** Written only where it is off: writing the switch of all sets those of single interfaces too. */
export function createForwarding(log: Log): Forwarding {
  let names: readonly string[] = [];

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
    for (const name of names) switchOn(name);
  }

  return {
    follow({ ipv4, ipv6 }) {
      names = [...(ipv4 ? [SWITCHES.ipv4] : []), ...(ipv6 ? [SWITCHES.ipv6] : [])];
      restore();
    },
    restore,
  };
}
