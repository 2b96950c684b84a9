// A tunnel of WireGuard between two hosts of a lab, as somebody makes it with wg: by the kernel where that has it, else by wireguard-go.
import { execOnHost } from './lab.ts';
import type { TunnelByHand } from './tunnel-by-hand.ts';

const DEVICE = 'by-hand';
const PORT = 51820;
const INSIDE = ['10.209.0.1', '10.209.0.2'] as const;

/** In a session of its own, as daemons are, which the scheduler gives a share of its own; prints the public key, the private one stays. */
const MAKE_DEVICE = `
  ip link add ${DEVICE} type wireguard 2>/dev/null || setsid --fork --wait wireguard-go ${DEVICE} >/dev/null 2>&1
  umask 077; wg genkey >/tmp/${DEVICE}.key
  wg set ${DEVICE} private-key /tmp/${DEVICE}.key listen-port ${PORT}
  wg pubkey </tmp/${DEVICE}.key`;

/** The same as ours: 60 bytes less than the uplink's MTU. */
export async function makeWireguardByHand(lab: string, { hosts, addresses, subnets }: TunnelByHand): Promise<void> {
  const keys = [
    (await execOnHost(lab, hosts[0], ['sh', '-ec', MAKE_DEVICE])).trim(),
    (await execOnHost(lab, hosts[1], ['sh', '-ec', MAKE_DEVICE])).trim(),
  ] as const;
  for (const [own, other] of [[0, 1] as const, [1, 0] as const]) {
    const lines = `
      wg set ${DEVICE} peer ${keys[other]} endpoint ${addresses[other]}:${PORT} allowed-ips ${subnets[other]},${INSIDE[other]}/32
      ip link set ${DEVICE} mtu 1440 up
      ip addr add ${INSIDE[own]}/32 dev ${DEVICE}
      ip route add ${subnets[other]} dev ${DEVICE}`;
    await execOnHost(lab, hosts[own], ['sh', '-ec', lines]);
  }
}
