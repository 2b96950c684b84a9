// DEL against ptp with host-local.
import { runOnHost, withLab } from './parts/lab.ts';
import { median, report } from './parts/report.ts';

const CONTAINERS = 100;

interface Times {
  readonly del: readonly number[];
  readonly peerDel: readonly number[];
}

await withLab(1, async (name) => {
  const times = (await runOnHost(name, 'cni-inside.ts', [String(CONTAINERS)])) as Times;
  report({
    bench: 'cni-del',
    ours: median(times.del),
    peer: median(times.peerDel),
    peerName: 'ptp + host-local',
    unit: 'ms',
  });
});
