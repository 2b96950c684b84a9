// How long it takes from `apply` of many policies until the kernel holds them, and what the agent then holds, against Felix.
import { runPeerConvergence } from './parts/calico-peer.ts';
import type { Convergence } from './parts/converge.ts';
import { runOnHost, withLab } from './parts/lab.ts';
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
