// How soon hosts have routes to one that joins, and none to one that leaves, in each way that packets go from host to host.
import { report, round } from './report.ts';
import { type JoinMode, measureJoins } from './route-join.ts';

const ROUNDS = Number(process.env.OCICAT_JOIN_ROUNDS ?? 20);
const MODES: readonly JoinMode[] = [
  { name: 'bgp', pool: { vxlanMode: 'Never' }, segments: 1 },
  { name: 'vxlan', pool: { vxlanMode: 'Always' }, segments: 2 },
  { name: 'cross-subnet', pool: { vxlanMode: 'CrossSubnet' }, segments: 2 },
];
/** In seconds. */
const WANTED = 1;

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** A line for each mode; what counts is the 99th percentile of a join. */
export async function reportJoins(): Promise<void> {
  for (const mode of MODES) {
    const rounds = await measureJoins(mode, ROUNDS);
    const [joins, leaves] = [rounds.map(({ join }) => join), rounds.map(({ leave }) => leave)];
    report({
      bench: `route-host-join-${mode.name}`,
      ours: percentile(joins, 0.99),
      peer: WANTED,
      peerName: 'wanted at most',
      unit: 's',
      more: {
        p50: round(percentile(joins, 0.5)),
        leave_p50: round(percentile(leaves, 0.5)),
        leave_p99: round(percentile(leaves, 0.99)),
      },
    });
  }
}
