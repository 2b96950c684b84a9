// Ports that policy of host endpoints never closes (Calico's documentation, "Failsafe rules"), so that a policy that forgets
// them does not lock its author out.
import { type Cidr, cidrContains, maskCidr, tryParseCidrOrIp } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../../net/protocol.ts';
import type { Direction } from './types.ts';

export interface FailsafePort {
  readonly protocol: number;
  readonly port: number;
  /** Where the other side must be; undefined: anywhere. */
  readonly net: Cidr | undefined;
}

/** Those of the host that others reach, and those of others that the host reaches. */
export type Failsafes = Readonly<Record<Direction, readonly FailsafePort[]>>;

const tcp = (port: number): FailsafePort => ({ protocol: PROTOCOL_TCP, port, net: undefined });
const udp = (port: number): FailsafePort => ({ protocol: PROTOCOL_UDP, port, net: undefined });

/** BGP, etcd, Typha and the API server of Kubernetes, and etcd's old ports. */
const CLUSTER = [179, 2379, 2380, 5473, 6443, 6666, 6667].map(tcp);

/** Beside them SSH and DHCP inwards, DNS and DHCP outwards (Calico v3.33, felix/config/config_params.go). */
export const DEFAULT_FAILSAFES: Failsafes = {
  ingress: [tcp(22), udp(68), ...CLUSTER],
  egress: [udp(53), udp(67), ...CLUSTER],
};

/** As FelixConfiguration lists them. */
interface FailsafeField {
  readonly protocol: string;
  readonly port: number;
  readonly net?: string | undefined;
}

interface FailsafeSettings {
  readonly failsafeInboundHostPorts?: readonly FailsafeField[] | undefined;
  readonly failsafeOutboundHostPorts?: readonly FailsafeField[] | undefined;
}

function toFailsafe({ protocol, port, net }: FailsafeField): FailsafePort {
  const range = net === undefined ? undefined : tryParseCidrOrIp(net);
  return { ...(protocol.toUpperCase() === 'UDP' ? udp(port) : tcp(port)), net: range && maskCidr(range) };
}

/** Those of the settings; an empty list is none. */
export function computeFailsafes(settings: FailsafeSettings, otherwise = DEFAULT_FAILSAFES): Failsafes {
  return {
    ingress: settings.failsafeInboundHostPorts?.map(toFailsafe) ?? otherwise.ingress,
    egress: settings.failsafeOutboundHostPorts?.map(toFailsafe) ?? otherwise.egress,
  };
}

/** Whether a packet in that direction goes to a failsafe port. `peer`: the other side. */
export function isFailsafe(
  failsafes: Failsafes,
  direction: Direction,
  packet: { readonly protocol: number; readonly destinationPort?: number; readonly peer: Ip },
): boolean {
  return failsafes[direction].some(
    ({ protocol, port, net }) =>
      protocol === packet.protocol &&
      port === packet.destinationPort &&
      (net === undefined || cidrContains(net, packet.peer)),
  );
}
