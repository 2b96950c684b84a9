// Whether this host forwards packets, described: what `node status` says of it, and `node checksystem`.
import { tryReadSysctl } from '../../sys/sysctl.ts';

const IPV4 = 'net/ipv4/ip_forward';
const IPV6 = 'net/ipv6/conf/all/forwarding';

export interface Switch {
  /** As sysctl(8) has it. */
  readonly name: string;
  /** Undefined: the kernel has no such family. */
  readonly isOn: boolean | undefined;
}

export function observeForwarding(): readonly Switch[] {
  return [IPV4, IPV6].map((path) => {
    const value = tryReadSysctl(path);
    return { name: path.replaceAll('/', '.'), isOn: value === undefined ? undefined : value !== '0' };
  });
}

/** For `node status`: the agent runs, and would have switched it on. */
export function describeForwarding(): string {
  const [ipv4, ipv6] = observeForwarding().map(({ isOn }) => (isOn ? 'on' : 'off'));
  const line = `\nIP forwarding: IPv4 ${ipv4}, IPv6 ${ipv6}.\n`;
  if (ipv4 === 'on') return line;
  return `${line}No IPv4 packet of a workload leaves this host: ipForwarding of FelixConfiguration is Disabled, or the\nagent could not switch it on, as its log says.\n`;
}
