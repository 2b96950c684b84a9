// Runs on a host: `rkt run` on a calico network and `podman run --rm` on its default network, of the same busybox, in turn.
import { mkdirSync } from 'node:fs';

const runs = Number(process.argv[2]);
const registry = process.argv[3] ?? '';
const PODMAN_IMAGE = `${registry}/library/busybox:latest`;

function run(command: readonly string[]): number {
  const startedAt = Bun.nanoseconds();
  const result = Bun.spawnSync([...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  const elapsedMs = (Bun.nanoseconds() - startedAt) / 1e6;
  if (result.exitCode !== 0) throw new Error(`${command.join(' ')}: ${result.stderr.toString()}`);
  return elapsedMs;
}

mkdirSync('/etc/rkt/net.d', { recursive: true });
const network = { name: 'bench', cniVersion: '0.1.0', type: 'calico', ipam: { type: 'calico-ipam' } };
await Bun.write('/etc/rkt/net.d/10-bench.conf', JSON.stringify(network));
const ours = ['rkt', 'run', '--net=bench', 'docker://busybox', '--exec', '/bin/true'];
const theirs = ['podman', '--cgroup-manager=cgroupfs', 'run', '--cgroups=disabled', '--rm', PODMAN_IMAGE, '/bin/true'];
run(['podman', 'pull', '--tls-verify=false', PODMAN_IMAGE]);
run(ours);
run(theirs);
const times = { ours: [] as number[], peer: [] as number[] };
for (let turn = 0; turn < runs; turn++) {
  times.ours.push(run(ours));
  times.peer.push(run(theirs));
}
run(['rkt', 'gc', '--grace-period=0s']);
console.log(JSON.stringify(times));
