// A host of a lab with Docker: Debian's engine on Debian's containerd, both ended and started anew as on a host with systemd.
import type { Lab } from '../support/host/lab.ts';
import { REGISTRY, RUNC } from './client-hosts.ts';

/**
 * In mounts of its own, which the engine shares and which stay when that ends: what it has mounted is there when it comes again. Among
 * them are control groups of version 2, which it asks for.
 */
const CONTAINERD = `cat >/run/containerd.toml <<END
version = 2
root = "/run/containerd-root"
state = "/run/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "/run/containerd-docker.sock"
END
PATH=/run/programs:$PATH setsid unshare --mount sh -c 'mount -t cgroup2 none /sys/fs/cgroup; echo $$ >/run/containerd.pid
exec containerd -c /run/containerd.toml' >/run/containerd.log 2>&1 </dev/null &
for attempt in $(seq 200); do [ -S /run/containerd-docker.sock ] && break; sleep 0.1; done`;

/** `dockerd-up [FLAG…]`, `dockerd-down SIGNAL`: in systemd's place, which such a host has not. */
const PROGRAMS = `mkdir -p /run/programs
cat >/run/programs/dockerd-up <<'END'
#!/bin/sh
rm -f /run/docker.pid
PATH=/run/programs:$PATH setsid nsenter --target $(cat /run/containerd.pid) --mount -- \\
  dockerd --containerd /run/containerd-docker.sock --data-root /run/docker-data --exec-root /run/docker --pidfile /run/docker.pid \\
  -H unix:///run/docker.sock --storage-driver vfs --exec-opt native.cgroupdriver=cgroupfs --registry-mirror http://${REGISTRY} \\
  --insecure-registry ${REGISTRY} "$@" >>/run/dockerd.log 2>&1 </dev/null &
for attempt in $(seq 600); do curl -sf --unix-socket /run/docker.sock http://docker/_ping >/dev/null && exit; sleep 0.1; done
tail -20 /run/dockerd.log
exit 1
END
cat >/run/programs/dockerd-down <<'END'
#!/bin/sh
pid=$(cat /run/docker.pid) && kill -$1 $pid && tail --pid=$pid -s 0.05 -f /dev/null
END
chmod +x /run/programs/dockerd-*`;

/** `flags`: of dockerd. */
export async function prepareDocker({ must }: Lab, host: string, flags = ''): Promise<void> {
  await must(
    host,
    `mount -t tmpfs tmpfs /etc/docker
${RUNC}
${CONTAINERD}
${PROGRAMS}
/run/programs/dockerd-up ${flags}
docker pull -q busybox >/dev/null`,
  );
}

/** Ends the engine and its containerd: what they have mounted goes with the host. */
export async function endDocker({ on }: Lab, host: string): Promise<void> {
  await on(host, 'kill $(cat /run/docker.pid /run/containerd.pid)');
}
