// What the clients of the pages need on a host of a lab, which has no control groups for them and reaches no registry but its own.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type Lab, lab } from '../support/host/lab.ts';

export const REGISTRY = '10.99.0.254:5000';

/** Variables of a shell that uses podman. */
export const PODMAN_VARIABLES =
  'export CONTAINERS_CONF=/run/podman.conf CONTAINERS_REGISTRIES_CONF=/run/podman-registries.conf';

export async function preparePodman({ must }: Lab, host: string): Promise<void> {
  await must(
    host,
    `cat >/run/podman.conf <<END
[containers]
cgroups = "disabled"
[engine]
events_logger = "none"
[network]
network_backend = "cni"
END
cat >/run/podman-registries.conf <<END
[[registry]]
prefix = "docker.io"
location = "${REGISTRY}"
insecure = true
END
${PODMAN_VARIABLES}; podman pull -q docker.io/library/busybox`,
  );
}

/** crun in runc's place, without control groups. */
export const RUNC = `mkdir -p /run/programs
printf '#!/bin/sh\\nexec crun --cgroup-manager=disabled "$@"\\n' >/run/programs/runc
chmod +x /run/programs/runc`;

/** containerd with its data in /run, crun in runc's place, and the image that the pages use. */
export async function prepareContainerd({ must }: Lab, host: string): Promise<void> {
  await must(
    host,
    `${RUNC}
cat >/run/containerd.toml <<END
version = 2
root = "/run/containerd-root"
state = "/run/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
END
PATH=/run/programs:$PATH setsid containerd -c /run/containerd.toml >/run/containerd.log 2>&1 </dev/null &
for attempt in $(seq 100); do ctr version >/dev/null 2>&1 && break; sleep 0.1; done
ctr image pull --plain-http ${REGISTRY}/library/busybox:latest >/dev/null
ctr image tag ${REGISTRY}/library/busybox:latest docker.io/library/busybox:latest`,
  );
}

/** Puts a program of this machine into `/run/programs` of a host. */
export async function copyProgram({ name }: Lab, program: string, host: string): Promise<void> {
  const target = `/run/programs/${basename(program)}`;
  const copy = `mkdir -p /run/programs && cat >${target} && chmod +x ${target}`;
  const { status, stderr } = await lab(['exec', '--name', name, host, '--', 'sh', '-c', copy], readFileSync(program));
  if (status !== 0) throw new Error(`copy ${program}: ${stderr}`);
}
