// What the agent costs with idle endpoints, against Felix; and whether it costs more after many containers have come and gone.
import { runPeerAgent } from './parts/calico-peer.ts';
import type { Pair } from './parts/churn.ts';
import { runOnHost, withLab } from './parts/lab.ts';
import type { ProcessFigures } from './parts/process-figures.ts';
import { report } from './parts/report.ts';

const ENDPOINTS = 250;
const SECONDS = 20;
/** Containers that come and go; on a slow machine those of so many seconds. */
const PAIRS = Number(process.env.OCICAT_CHURN_PAIRS ?? 20_000);
const CHURN_SECONDS = 1_800;

interface Churn {
  readonly pairs: number;
  readonly first: Pair;
  readonly last: Pair;
}

function reportChurn({ pairs, first, last }: Churn): void {
  const line = (bench: string, field: keyof Pair, unit: string) =>
    report({ bench, ours: last[field], peer: first[field], peerName: 'the first of them', unit, more: { pairs } });
  line('agent-churn-rss', 'agentMb', 'MB');
  line('agent-churn-add', 'addMs', 'ms');
  line('agent-churn-del', 'delMs', 'ms');
}

await withLab(1, async (name) => {
  const ours = (await runOnHost(name, 'agent-inside.ts', [String(ENDPOINTS), String(SECONDS)])) as ProcessFigures;
  const peer = await runPeerAgent(name, ENDPOINTS);
  report({
    bench: 'agent-rss',
    ours: ours.residentMb,
    peer: peer?.residentMb,
    peerName: 'Felix',
    unit: 'MB',
    more: {
      cpu_percent: Number(ours.cpuPercent.toFixed(2)),
      ...(peer === undefined ? {} : { peer_cpu_percent: Number(peer.cpuPercent.toFixed(2)) }),
    },
  });
});

await withLab(1, async (name) =>
  reportChurn((await runOnHost(name, 'churn-inside.ts', [String(PAIRS), String(CHURN_SECONDS)])) as Churn),
);
