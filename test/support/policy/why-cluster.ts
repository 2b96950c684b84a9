// A small cluster as its store has it, for what explains policy: endpoints of two networks on two nodes.
import { type Cluster, readCluster, type StoredDocument } from '../../../src/why/cluster.ts';

type Json = Readonly<Record<string, unknown>>;

export function document(kind: string, name: string, spec: unknown, metadata: Json = {}): StoredDocument {
  const namespace = typeof metadata.namespace === 'string' ? metadata.namespace : undefined;
  const value = { kind, apiVersion: 'projectcalico.org/v3', metadata: { name, ...metadata }, spec };
  return { kind, namespace, name, text: JSON.stringify(value) };
}

export function workload(node: string, containerID: string, addresses: readonly string[], more: Json = {}) {
  const { labels = {}, ...spec } = more;
  return document(
    'WorkloadEndpoint',
    `${node}-cni-${containerID}-eth0`,
    {
      ...{ orchestrator: 'cni', node, containerID, endpoint: 'eth0', interfaceName: `cali${containerID.slice(0, 8)}` },
      ipNetworks: addresses,
      ...spec,
    },
    { namespace: 'default', labels },
  );
}

/** As the network plugin makes it. */
const network = (name: string) =>
  document('Profile', name, {
    ingress: [{ action: 'Allow', source: { selector: `has(${name})` } }],
    egress: [{ action: 'Allow' }],
    labelsToApply: { [name]: '' },
  });

export const POD_A = '0a111111-0000-4000-8000-000000000001';
export const POD_B = '0b222222-0000-4000-8000-000000000002';
export const POD_C = '0b333333-0000-4000-8000-000000000003';

const basis: readonly StoredDocument[] = [
  network('network1'),
  network('network2'),
  document('Tier', 'default', { order: 1_000_000, defaultAction: 'Deny' }),
  workload('node1', POD_A, ['192.168.0.1/32', 'fd00::1/128'], { profiles: ['network1'] }),
  workload('node2', POD_B, ['192.168.0.2/32', 'fd00::2/128'], {
    profiles: ['network1'],
    workload: 'web',
    labels: { role: 'web' },
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
  }),
  workload('node2', POD_C, ['192.168.0.3/32'], { profiles: ['network2'] }),
  document('HostEndpoint', 'gateway', { node: 'node1', expectedIPs: ['10.0.0.1'] }),
];

export function clusterWith(...more: readonly StoredDocument[]): Cluster {
  return readCluster([...basis, ...more]);
}
