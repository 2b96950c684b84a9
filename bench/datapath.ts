// How fast pods on two hosts speak with each other under 0 to 10,000 policies that all apply to them, against the same pods attached by
// ptp on two hosts without an agent and with a ruleset of one stateful chain, written by hand.
import { addPair, type Pair, PORTS, type Rates } from './parts/datapath-pair.ts';
import { clearHost, loadRules, NO_RULES, ONE_CHAIN } from './parts/datapath-peers.ts';
import { execOnHost, partCommand, withLab } from './parts/lab.ts';
import { installPackages } from './parts/packages.ts';
import { median, report } from './parts/report.ts';

const COUNTS = [0, 100, 1_000, 10_000];
const ROUNDS = Number(process.env.OCICAT_DATAPATH_ROUNDS ?? 7);
const OURS: Pair['hosts'] = ['calico-01', 'calico-02'];
const PEERS: Pair['hosts'] = ['calico-03', 'calico-04'];
const PEER_ADDRESSES = ['10.99.0.3', '10.99.0.4'];
const SUBNETS = ['10.203.0.0/24', '10.204.0.0/24'] as const;

/** Each of a range and a port that no other has; the last one is about the pods. */
function printPolicy(number: number, count: number): string {
  const isLast = number === count - 1;
  const net = isLast ? '192.168.0.0/16' : `10.${100 + (number >> 8)}.${number & 255}.0/24`;
  const ports = isLast ? [PORTS.stream, PORTS.crr] : [10_000 + number];
  return `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: { name: datapath-${number} }
spec:
  order: ${number}
  selector: all()
  types: [Ingress]
  ingress:
    - { action: Allow, protocol: TCP, source: { nets: [${net}] }, destination: { ports: [${ports.join(', ')}] } }
`;
}

async function applyPolicies(lab: string, count: number): Promise<void> {
  if (count === 0) return;
  const documents = Array.from({ length: count }, (_, number) => printPolicy(number, count)).join('---\n');
  await execOnHost(lab, OURS[0], ['calicoctl', 'apply', '-f', '-'], documents);
  for (const host of OURS) await execOnHost(lab, host, partCommand('datapath-quiet-inside.ts'));
}

/** The hosts of the peer have a way to each other's pods. */
async function clearPeers(lab: string): Promise<void> {
  for (const [index, host] of PEERS.entries()) {
    await clearHost(lab, host);
    const way = [SUBNETS[1 - index] ?? '', 'via', PEER_ADDRESSES[1 - index] ?? ''];
    await execOnHost(lab, host, ['ip', 'route', 'add', ...way]);
  }
}

interface Round {
  readonly ours: Rates;
  readonly peer: Rates;
  readonly noRules: Rates;
}

async function measureRound(lab: string, ours: Pair, peer: Pair): Promise<Round> {
  const own = await ours.measure();
  await loadRules(lab, PEERS, ONE_CHAIN);
  const chained = await peer.measure();
  await loadRules(lab, PEERS, NO_RULES);
  return { ours: own, peer: chained, noRules: await peer.measure() };
}

function reportRounds(count: number, rounds: readonly Round[]): void {
  for (const [what, unit] of [
    ['stream', 'Mbit/s'],
    ['crr', '1/s'],
  ] as const) {
    const [ours, peer, noRules] = (['ours', 'peer', 'noRules'] as const).map((side) =>
      median(rounds.map((round) => round[side][what])),
    );
    const more = { no_rules: Math.round(noRules ?? Number.NaN), rounds: rounds.length };
    report({
      bench: `datapath-${what}-${count}`,
      ours: ours ?? Number.NaN,
      peer,
      peerName: 'ptp, one stateful chain',
      unit,
      more,
    });
  }
}

installPackages(['iperf3']);
await withLab(OURS.length + PEERS.length, async (lab) => {
  await clearPeers(lab);
  const [ours, peer] = [await addPair(lab, OURS), await addPair(lab, PEERS, { subnets: SUBNETS })];
  await Bun.sleep(1_000);
  for (const count of COUNTS) {
    await applyPolicies(lab, count);
    const rounds: Round[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await measureRound(lab, ours, peer));
    reportRounds(count, rounds);
  }
});
