// ADD with etcd and policy in place, against ptp with host-local, and against Calico's plugin on etcd with Felix running.
import { runPeerCni } from './parts/calico-peer.ts';
import { runOnHost, withLab } from './parts/lab.ts';
import { median, report } from './parts/report.ts';

const CONTAINERS = 100;

interface Times {
  readonly add: readonly number[];
  readonly peerAdd: readonly number[];
}

await withLab(1, async (name) => {
  const times = (await runOnHost(name, 'cni-inside.ts', [String(CONTAINERS)])) as Times;
  const ours = median(times.add);
  report({ bench: 'cni-add', ours, peer: median(times.peerAdd), peerName: 'ptp + host-local', unit: 'ms' });
  const calico = await runPeerCni(name, CONTAINERS);
  const peer = calico === undefined ? undefined : median(calico.add);
  report({ bench: 'cni-add-calico', ours, peer, peerName: 'calico + calico-ipam with Felix', unit: 'ms' });
});
