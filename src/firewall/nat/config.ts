// What the node's configuration says about addresses that are translated (Calico's documentation, "Felix configuration").
import type { Ip } from '../../net/ip.ts';
import type { PortRange } from '../../net/port.ts';

export interface NatConfig {
  /** IPv4 packets leave with this address and not with that of the interface (NATOutgoingAddress). */
  readonly address?: Ip;
  /** The ports that TCP and UDP packets leave from (NATPortRange). */
  readonly ports?: PortRange;
  /** Only through this interface, or those whose names begin so before a `+` (IptablesNATOutgoingInterfaceFilter). */
  readonly interfaceFilter?: string;
  /** Whether endpoints are reached under further addresses that they name (FloatingIPs). */
  readonly floatingAddresses: boolean;
}
