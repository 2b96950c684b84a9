// Where packets of the reference test come from and go to: workloads of one host with a real agent, the host itself, and a
// machine beside it that has workloads of another node.
import { close, O_CLOEXEC, O_RDONLY, open } from '../../../src/sys/libc.ts';
import { withNetns } from '../../../src/sys/netns.ts';
import { type AgentHost, openAgentHost } from '../host/agent-host.ts';
import type { Ranges, WorkloadParts } from './cases.ts';
import type { Workload } from './resources.ts';
import { WITNESS } from './store.ts';

export interface Place {
  readonly name: string;
  readonly kind: 'workload' | 'remote' | 'host' | 'outside';
  readonly addresses: { readonly 4: string; readonly 6: string };
  /** Of a workload, here or elsewhere: its resource as the network plugin has made it. */
  readonly endpoint?: Workload;
  /** Runs in the place's network namespace; synchronous. */
  within<T>(work: () => T): T;
}

export interface Site {
  readonly host: AgentHost;
  readonly places: readonly Place[];
  close(): Promise<void>;
}

const LOCALS = [
  ['one', 'default'],
  ['two', 'default'],
  ['three', 'blue'],
  [WITNESS, 'default'],
] as const;
const REMOTE = { 4: '10.77.0.1', 6: 'fd77::1' } as const;

/** What rules may name: some workloads, all of them, and more. */
export const RANGES: Ranges = {
  4: ['192.168.0.0/16', '10.77.0.0/16', '10.0.0.0/8', '0.0.0.0/0'],
  6: ['fd42::/112', 'fd77::/64', 'fd00::/8', '::/0'],
};

const NETWORK = `
ip address add fd98::1/64 dev eth0 nodad
ip -n outside address add fd98::2/64 dev eth0 nodad
ip -n outside address add ${REMOTE[4]}/32 dev eth0
ip -n outside address add ${REMOTE[6]}/128 dev eth0 nodad
ip -n outside route add fd42::/112 via fd98::1
ip -6 route add default via fd98::2
sysctl -qw net.ipv6.conf.all.forwarding=1
for where in host outside; do
  enter=; test $where = host || enter="ip netns exec $where"
  $enter sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
done`;

function enterer(path: string): Place['within'] {
  return (work) => {
    const fd = open(path, O_RDONLY | O_CLOEXEC);
    try {
      return withNetns(fd, work);
    } finally {
      close(fd);
    }
  };
}

/** A namespace of the host, by a process of it that stays. */
function pathOf(host: AgentHost, netns: string): string {
  return `/proc/${host.pid}/root/run/netns/${netns}`;
}

function addWorkload(host: AgentHost, name: string, namespace: string): void {
  const mesos = { network_info: { labels: { labels: [{ key: 'projectcalico.org/namespace', value: namespace }] } } };
  const { status, output } = host.cni('ADD', name, 'net1', '', { args: { 'org.apache.mesos': mesos } });
  if (status !== 0) throw new Error(output);
  host.must(`ip netns exec ${name} sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0`);
}

async function readWorkloads(host: AgentHost): Promise<readonly Workload[]> {
  const prefix = '/calico/resources/v3/projectcalico.org/workloadendpoints/';
  const lines = await host.etcd.ctl('get', '--prefix', '--print-value-only', prefix);
  return lines.split('\n').map((line): Workload => JSON.parse(line));
}

function placeOf(host: AgentHost, name: string, endpoint: Workload): Place {
  const [ipv4 = '', ipv6 = ''] = endpoint.spec.ipNetworks.map((range) => range.split('/')[0]);
  const addresses = { 4: ipv4, 6: ipv6 };
  return { name, kind: 'workload', addresses, endpoint, within: enterer(pathOf(host, name)) };
}

/** An endpoint whose pod lives on another node. */
const remoteEndpoint: Workload = {
  apiVersion: 'projectcalico.org/v3',
  kind: 'WorkloadEndpoint',
  metadata: { name: 'node--2-cni-far-eth0', namespace: 'default', labels: {} },
  spec: {
    node: 'node-2',
    orchestrator: 'cni',
    interfaceName: 'cali0123456789a',
    ipNetworks: [`${REMOTE[4]}/32`, `${REMOTE[6]}/128`],
    ...{ workload: '', containerID: 'far', endpoint: 'eth0' },
  },
};

export async function openSite(): Promise<Site> {
  const host = await openAgentHost({
    environment: {
      CALICO_IPV6POOL_CIDR: 'fd42::/112',
      CALICO_IPV4POOL_NAT_OUTGOING: 'false',
      FELIX_DEFAULTENDPOINTTOHOSTACTION: 'RETURN',
    },
    ipam: { assign_ipv4: 'true', assign_ipv6: 'true' },
  });
  host.must(NETWORK);
  await host.startAgent();
  for (const [name, namespace] of LOCALS) addWorkload(host, name, namespace);
  const stored = await readWorkloads(host);
  const locals = LOCALS.map(([name]) => {
    const own = stored.find(({ metadata }) => metadata.name.includes(`-${name}-`));
    if (own === undefined) throw new Error(`no endpoint of ${name}`);
    return placeOf(host, name, own);
  });
  const outside = enterer(pathOf(host, 'outside'));
  return {
    host,
    places: [
      ...locals,
      { name: 'far', kind: 'remote', addresses: REMOTE, endpoint: remoteEndpoint, within: outside },
      {
        name: 'host',
        kind: 'host',
        addresses: { 4: '10.98.0.1', 6: 'fd98::1' },
        within: enterer(`/proc/${host.pid}/ns/net`),
      },
      { name: 'outside', kind: 'outside', addresses: { 4: '10.98.0.2', 6: 'fd98::2' }, within: outside },
    ],
    close: () => host.close(),
  };
}

/** The workload's resource in a case. */
export function endpointWith({ endpoint }: Place, { labels, profiles, ports }: WorkloadParts): Workload {
  if (endpoint === undefined) throw new Error('no workload is there');
  return {
    ...endpoint,
    metadata: { ...endpoint.metadata, labels },
    spec: { ...endpoint.spec, profiles, ports },
  };
}
