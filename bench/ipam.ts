// Addresses per second out of a pool that is empty, half full and nearly full, against host-local with a range of the same size:
// plugin calls one after the other, in turn, and as many at once.
import type { IpamTimes } from './parts/ipam-inside.ts';
import { execOnHost, runOnHost, withLab } from './parts/lab.ts';
import { median, report } from './parts/report.ts';

/** Of 1,024 addresses each: more than 20 blocks of 64 a host does not take by itself. */
const POOL = `apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: bench}
spec: {cidr: 10.201.0.0/22, assignmentMode: Manual}`;

await withLab(1, async (name) => {
  await execOnHost(name, 'calico-01', ['calicoctl', 'apply', '-f', '-'], POOL);
  const all = (await runOnHost(name, 'ipam-inside.ts')) as readonly IpamTimes[];
  for (const { filled, ours, peer, oursAtOnceMs, peerAtOnceMs, atOnce } of all) {
    const [per, perPeer] = [1_000 / median(ours), 1_000 / median(peer)];
    report({ bench: `ipam-${filled}`, ours: per, peer: perPeer, peerName: 'host-local', unit: '/s' });
    report({
      bench: `ipam-${filled}-burst`,
      ours: (1_000 * atOnce) / oursAtOnceMs,
      peer: (1_000 * atOnce) / peerAtOnceMs,
      peerName: 'host-local',
      unit: '/s',
    });
  }
});
