// `rkt run` of a cached busybox `true` on a calico network, against `podman run --rm` on its default network.
import { runOnHost, withLab } from './parts/lab.ts';
import { installPackages } from './parts/packages.ts';
import { median, report } from './parts/report.ts';

const RUNS = 15;
const REGISTRY = '10.99.0.254:5000';

installPackages(['podman']);
await withLab(1, async (name) => {
  const times = (await runOnHost(name, 'rkt-inside.ts', [String(RUNS), REGISTRY])) as {
    ours: number[];
    peer: number[];
  };
  report({
    bench: 'rkt-run',
    ours: median(times.ours),
    peer: median(times.peer),
    peerName: 'podman run --rm',
    unit: 'ms',
  });
});
