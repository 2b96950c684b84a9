// What the agent costs with idle endpoints, against Felix.
import { runPeerAgent } from './parts/calico-peer.ts';
import { runOnHost, withLab } from './parts/lab.ts';
import type { ProcessFigures } from './parts/process-figures.ts';
import { report } from './parts/report.ts';

const ENDPOINTS = 250;
const SECONDS = 20;

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
