// How much goes between pods through our tunnels, against the same ones made by hand, in turn.
import { addPair, type Pair } from './datapath-pair.ts';
import { clearHost, loadRules, ONE_CHAIN } from './datapath-peers.ts';
import { execOnHost, withLab } from './lab.ts';
import { median, report } from './report.ts';
import { makeVxlanByHand, type TunnelByHand } from './tunnel-by-hand.ts';
import { makeWireguardByHand } from './wireguard-by-hand.ts';

const ROUNDS = Number(process.env.OCICAT_STREAM_ROUNDS ?? 7);
const OURS: Pair['hosts'] = ['calico-01', 'calico-02'];
const BY_HAND: TunnelByHand = {
  hosts: ['calico-03', 'calico-04'],
  addresses: ['10.99.0.3', '10.99.0.4'],
  subnets: ['10.203.0.0/24', '10.204.0.0/24'],
};

interface Tunnel {
  readonly bench: string;
  /** What calicoctl is told for ours. */
  readonly patch: readonly string[];
  readonly device: string;
  readonly mtuBytes: number;
  readonly makeByHand: (lab: string, tunnel: TunnelByHand) => Promise<void>;
  readonly peerName: string;
}

const TUNNELS: readonly Tunnel[] = [
  {
    bench: 'vxlan-stream',
    patch: ['ippool', 'default-ipv4-ippool', '-p', '{"spec":{"ipipMode":"Never","vxlanMode":"Always"}}'],
    ...{ device: 'vxlan.calico', mtuBytes: 1450, makeByHand: makeVxlanByHand },
    peerName: 'ip link add type vxlan, ptp, one stateful chain',
  },
  {
    bench: 'wireguard-stream',
    patch: ['felixconfiguration', 'default', '-p', '{"spec":{"wireguardEnabled":true}}'],
    ...{ device: 'wireguard.cali', mtuBytes: 1440, makeByHand: makeWireguardByHand },
    peerName: 'wireguard-go and wg, ptp, one stateful chain',
  },
];

/** The pods of ours get the tunnel's MTU, and their packets meet the agent's rules. */
async function addTunnelledPair(lab: string, { patch, device }: Tunnel): Promise<Pair> {
  await execOnHost(lab, OURS[0], ['calicoctl', 'patch', ...patch]);
  const untilThere = `for i in $(seq 100); do ip route show table all | grep -q 'dev ${device} .*proto 80' && exit 0; sleep 0.1; done; exit 1`;
  const pair = await addPair(lab, OURS);
  for (const host of OURS) await execOnHost(lab, host, ['sh', '-c', untilThere]);
  return pair;
}

async function measureStream(lab: string, tunnel: Tunnel): Promise<void> {
  const ours = await addTunnelledPair(lab, tunnel);
  for (const host of BY_HAND.hosts) await clearHost(lab, host);
  await tunnel.makeByHand(lab, BY_HAND);
  await loadRules(lab, BY_HAND.hosts, ONE_CHAIN);
  const peer = await addPair(lab, BY_HAND.hosts, { subnets: BY_HAND.subnets, mtuBytes: tunnel.mtuBytes });
  await Bun.sleep(1_000);
  const rounds: { readonly ours: number; readonly peer: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push({ ours: await ours.stream(), peer: await peer.stream() });
  report({
    bench: tunnel.bench,
    ours: median(rounds.map((round) => round.ours)),
    peer: median(rounds.map((round) => round.peer)),
    peerName: tunnel.peerName,
    unit: 'Mbit/s',
    more: { rounds: rounds.length },
  });
}

/** A lab for each. */
export async function reportStreams(): Promise<void> {
  for (const tunnel of TUNNELS) await withLab(OURS.length + BY_HAND.hosts.length, (lab) => measureStream(lab, tunnel));
}
