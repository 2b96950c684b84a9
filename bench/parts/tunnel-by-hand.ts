// A tunnel between two hosts of a lab, as somebody makes it with ip and bridge.
import { execOnHost } from './lab.ts';

export interface TunnelByHand {
  readonly hosts: readonly [string, string];
  /** Of each between the hosts. */
  readonly addresses: readonly [string, string];
  /** Of the pods of each, which the tunnel leads to. */
  readonly subnets: readonly [string, string];
}

const INSIDE = ['10.209.0.1', '10.209.0.2'] as const;
const MACS = ['66:00:00:00:01:01', '66:00:00:00:01:02'] as const;
const DEVICE = 'by-hand';

/** The same as ours: nothing is learned, the parent is the link with the host's address, 50 bytes less than its MTU. */
export async function makeVxlanByHand(lab: string, { hosts, addresses, subnets }: TunnelByHand): Promise<void> {
  for (const [own, other] of [[0, 1] as const, [1, 0] as const]) {
    const lines = `
      parent=$(ip -br -4 addr | grep ' ${addresses[own]}/' | sed 's/[@ ].*//')
      ip link add ${DEVICE} address ${MACS[own]} type vxlan id 77 dstport 4789 nolearning local ${addresses[own]} dev $parent
      ip link set ${DEVICE} mtu 1450 up
      ip addr add ${INSIDE[own]}/32 dev ${DEVICE}
      ip neigh add ${INSIDE[other]} lladdr ${MACS[other]} dev ${DEVICE} nud permanent
      bridge fdb add ${MACS[other]} dev ${DEVICE} dst ${addresses[other]} self permanent
      ip route add ${subnets[other]} via ${INSIDE[other]} dev ${DEVICE} onlink`;
    await execOnHost(lab, hosts[own], ['sh', '-ec', lines]);
  }
}
