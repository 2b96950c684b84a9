// Runs on a host: Calico's plugin and Felix, with an etcd of their own, in new network and mount namespaces.
import { join } from 'node:path';
import { makeContainers, type Plugin, removeContainers, timeCall } from './cni-calls.ts';
import { attachAll, measureConvergence } from './converge.ts';
import { startFelix } from './felix-process.ts';
import { observeProcess } from './process-figures.ts';

const [folder = '', what = '', countText = '', policiesText = '0'] = process.argv.slice(2);
const ENDPOINTS_URL = 'http://127.0.0.1:2379';
const INSIDE = 'OCICAT_BENCH_INSIDE';

/** Starts this file again in namespaces where an uplink `ul0`, an empty /var/lib/calico and /run are. */
async function reenter(): Promise<number> {
  const script = `for dir in /var/lib/calico /var/run /etc/calico; do mount -t tmpfs tmpfs $dir; done; mkdir -p /run/netns
    ip link set lo up && ip link add ul0 type veth peer name ul1 && ip link set ul1 up && ip link set ul0 up
    ip addr add 10.98.0.1/24 dev ul0 && echo 1 >/proc/sys/net/ipv4/ip_forward && exec "$@"`;
  const command = [
    'unshare',
    '-n',
    '-m',
    '-p',
    '-f',
    '--kill-child',
    '--mount-proc',
    'sh',
    '-c',
    script,
    'sh',
    process.execPath,
    import.meta.path,
  ];
  const child = Bun.spawn([...command, folder, what, countText, policiesText], {
    env: { ...process.env, [INSIDE]: '1' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return child.exited;
}

function calicoctl(...args: readonly string[]): void {
  const result = Bun.spawnSync([join(folder, 'calicoctl'), ...args], {
    env: { PATH: process.env.PATH ?? '', DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: ENDPOINTS_URL },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (result.exitCode !== 0) throw new Error(`calicoctl ${args.join(' ')}: ${result.stderr.toString()}`);
}

const resources = `
apiVersion: projectcalico.org/v3
kind: Node
metadata: {name: host1}
spec: {bgp: {ipv4Address: 10.98.0.1/24}}
---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: bench}
spec: {cidr: 10.77.0.0/16, ipipMode: Never, vxlanMode: Never}
`;

async function startStore(): Promise<void> {
  Bun.spawn(['etcd', '--data-dir', '/var/lib/calico/etcd', '--log-level', 'error'], {
    stdio: ['ignore', 'ignore', 'ignore'],
  }).unref();
  const info =
    '{"kind":"ClusterInformation","apiVersion":"projectcalico.org/v3","metadata":{"name":"default","uid":"6f1d5f0e-7a5c-4c3d-9a51-4f0e1c2b3a4d","creationTimestamp":"2026-01-01T00:00:00Z"},"spec":{"datastoreReady":true}}';
  const key = '/calico/resources/v3/projectcalico.org/clusterinformations/default';
  for (let tries = 0; tries < 200; tries++) {
    if (
      Bun.spawnSync(['etcdctl', 'put', key, info], { env: { PATH: process.env.PATH ?? '', ETCDCTL_API: '3' } })
        .exitCode === 0
    )
      break;
    await Bun.sleep(50);
  }
  await Bun.write('/var/lib/calico/resources.yaml', resources);
  await Bun.write('/var/lib/calico/nodename', 'host1');
  calicoctl('apply', '-f', '/var/lib/calico/resources.yaml');
}

const plugin: Plugin = {
  path: join(folder, 'calico'),
  searchPath: folder,
  config: JSON.stringify({
    cniVersion: '1.0.0',
    name: 'network1',
    type: 'calico',
    etcd_endpoints: ENDPOINTS_URL,
    datastore_type: 'etcdv3',
    nodename: 'host1',
    log_level: 'ERROR',
    ipam: { type: 'calico-ipam' },
  }),
};

/** Felix that cannot work would be a small and quiet peer: its rules for the endpoints must come into the kernel. */
async function requireRules(): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    await Bun.sleep(1_000);
    const { stdout } = Bun.spawnSync(['nft', 'list', 'table', 'ip', 'calico']);
    if (stdout.toString().includes('cali-tw-')) return;
  }
  throw new Error('Felix has made no rules for the endpoints');
}

async function measure(): Promise<unknown> {
  await startStore();
  const felix = startFelix(folder, ENDPOINTS_URL);
  await Bun.sleep(5_000);
  const endpoints = Number(countText);
  const containers = makeContainers(endpoints, 'peer');
  try {
    if (what === 'converge') {
      attachAll(plugin, containers);
      await requireRules();
      const target = { etcd: ENDPOINTS_URL, agent: felix, folder: '/var/lib/calico' };
      return await measureConvergence({ policies: Number(policiesText), endpoints }, target);
    }
    const add = containers.map((container) => timeCall(plugin, 'ADD', container));
    await requireRules();
    if (what === 'agent') {
      await Bun.sleep(3_000);
      return await observeProcess(felix, 20);
    }
    return { add, del: containers.map((container) => timeCall(plugin, 'DEL', container)) };
  } finally {
    removeContainers(containers);
  }
}

if (process.env[INSIDE] !== '1') process.exit(await reenter());
console.log(JSON.stringify(await measure()));
process.exit(0);
