// A host of a lab with containerd's CRI plugin: Debian's configuration, but for what such a host cannot give.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildImage } from '../../src/images/transfer/build.ts';
import { type Lab, lab } from '../support/host/lab.ts';
import { REGISTRY, RUNC } from './client-hosts.ts';

const PAUSE = 'localhost/pause:1';

/** No control groups, no pause image from outside, and the lab's registry for all others. */
const CONFIGURATION = `
sed -i '/"io.containerd.grpc.v1.cri"\\]$/a disable_cgroup = true\\nrestrict_oom_score_adj = true\\nsandbox_image = "${PAUSE}"' /etc/containerd/config.toml
cat >>/etc/containerd/config.toml <<END

[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
endpoint = ["http://${REGISTRY}"]
END`;

/** In systemd's place, which such a host has not: it knows this one service. */
const SYSTEMCTL = `cat >/run/programs/systemctl <<'END'
#!/bin/sh
[ "$*" = 'restart containerd' ] || exit 1
pid=$(pgrep -x containerd) && kill $pid && tail --pid=$pid -s 0.05 -f /dev/null
PATH=/run/programs:$PATH setsid containerd --root /run/containerd-root --state /run/containerd-state >>/run/containerd.log 2>&1 </dev/null &
for attempt in $(seq 100); do ctr version >/dev/null 2>&1 && exit; sleep 0.1; done
exit 1
END
chmod +x /run/programs/systemctl`;

/** An image of one program, as a tar archive of an OCI image layout. */
async function packPause(): Promise<Uint8Array<ArrayBuffer>> {
  const directory = mkdtempSync(join(tmpdir(), 'ocicat-pause-'));
  try {
    const source = join(import.meta.dir, '../../dist/lib/pause');
    const layers = [[{ kind: 'copy', path: '/pause', source, mode: 0o755 }]] as const;
    await buildImage({ directory, layers, config: { Entrypoint: ['/pause'] } });
    return new Uint8Array(Bun.spawnSync(['tar', '-C', directory, '-c', '.']).stdout);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Starts containerd; `systemctl restart containerd` starts it anew, by the configuration as it is then. */
export async function prepareCri({ name, must }: Lab, host: string): Promise<void> {
  await must(host, `${RUNC}\n${CONFIGURATION}\n${SYSTEMCTL}\n/run/programs/systemctl restart containerd`);
  const load = ['ctr', '-n', 'k8s.io', 'images', 'import', '--index-name', PAUSE, '-'];
  const { status, stderr } = await lab(['exec', '--name', name, host, '--', ...load], await packPause());
  if (status !== 0) throw new Error(`import ${PAUSE}: ${stderr}`);
}
