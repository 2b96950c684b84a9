// How long it takes from `apply` of many policies until the kernel holds them, and what the agent then holds; and what it costs to be
// a node of a large cluster. Against Felix.
import { peerFolder, runPeerConvergence } from './parts/calico-peer.ts';
import type { ClusterFigures } from './parts/cluster.ts';
import type { ClusterComparison } from './parts/cluster-inside.ts';
import type { Convergence } from './parts/converge.ts';
import { runOnHost, withLab } from './parts/lab.ts';
import { installPackages } from './parts/packages.ts';
import { report, round } from './parts/report.ts';

for (const work of [
  { policies: 1_000, endpoints: 100 },
  { policies: 10_000, endpoints: 10 },
]) {
  await withLab(1, async (name) => {
    const size = [String(work.policies), String(work.endpoints)];
    const ours = (await runOnHost(name, 'converge-inside.ts', size)) as Convergence;
    const peer = await runPeerConvergence(name, work);
    report({
      bench: `converge-${work.policies}x${work.endpoints}`,
      ours: ours.seconds,
      peer: peer?.seconds,
      peerName: 'Felix',
      unit: 's',
      more: {
        ...{ mb: round(ours.residentMb), cpu_s: round(ours.cpuSeconds) },
        ...(peer && { peer_mb: round(peer.residentMb), peer_cpu_s: round(peer.cpuSeconds) }),
      },
    });
  });
}

const CLUSTER_ENDPOINTS = 250_000;

async function compareInCluster(): Promise<ClusterComparison> {
  const folder = peerFolder();
  if (folder !== undefined) installPackages(['ipset']); // Felix calls it
  const argv = [
    process.execPath,
    `${import.meta.dir}/parts/cluster-inside.ts`,
    String(CLUSTER_ENDPOINTS),
    folder ?? '',
  ];
  const child = Bun.spawn(argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text, status] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  if (status !== 0) throw new Error(`cluster-inside.ts: exit status ${status}: ${text}`);
  return JSON.parse(text);
}

const { ours, peer } = await compareInCluster();
for (const [line, field, unit] of [
  ['start', 'startSeconds', 's'],
  ['rss', 'residentMb', 'MB'],
  ['idle', 'idlePercent', '% of a core'],
  ['churn', 'churnPercent', '% of a core'],
] as const satisfies readonly (readonly [string, keyof ClusterFigures, string])[]) {
  report({ bench: `cluster-250k-${line}`, ours: ours[field], peer: peer?.[field], peerName: 'Felix', unit });
}
