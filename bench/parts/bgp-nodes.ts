// How soon BIRD follows one node of a large cluster: on a host of a lab, with nodes that are on paper alone.
import type { BgpFigures } from './bgp-inside.ts';
import { runOnHost, withLab } from './lab.ts';
import { median, report, round } from './report.ts';

const SIZES = [100, 1_000] as const;
const ROUNDS = Number(process.env.OCICAT_BGP_ROUNDS ?? 20);

function reportOne(nodes: number, figures: BgpFigures): void {
  const { joinMs, leaveMs, byHandMs, agentCpuMs, birdCpuMs, agentMb, birdMb } = figures;
  report({
    bench: `bgp-${nodes}-nodes`,
    ours: median(joinMs),
    peer: median(byHandMs),
    peerName: 'the same file by hand, and configure',
    unit: 'ms',
    more: {
      ...{ most_ms: round(Math.max(...joinMs)), leave_ms: round(median(leaveMs)) },
      ...{ agent_cpu_ms: round(agentCpuMs), bird_cpu_ms: round(birdCpuMs) },
      ...{ agent_mb: round(agentMb), bird_mb: round(birdMb) },
    },
  });
}

export async function reportNodes(): Promise<void> {
  await withLab(1, async (name) => {
    for (const nodes of SIZES)
      reportOne(nodes, (await runOnHost(name, 'bgp-inside.ts', [String(nodes), String(ROUNDS)])) as BgpFigures);
  });
}
