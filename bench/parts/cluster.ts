// A store filled as a large cluster fills it, and what it costs an agent to follow: the same for any agent.
import type { Datastore, Write } from '../../src/datastore/port.ts';
import { formatIp, ipv4Of } from '../../src/net/ip.ts';
import { cpuSeconds, observeProcess, residentMb } from './process-figures.ts';

export interface ClusterFigures {
  /** From the start of the process until the kernel has what the store says. */
  readonly startSeconds: number;
  readonly residentMb: number;
  /** Of a core, when nothing happens, and with CHANGES_PER_SECOND on other hosts. */
  readonly idlePercent: number;
  readonly churnPercent: number;
}

const PREFIX = '/calico/resources/v3/projectcalico.org';
const NAMESPACES = 100;
const MARKERS = 31;
const ENDPOINTS_PER_NODE = 100;
const WRITES = 100;
const IDLE_SECONDS = 20;
const CHURN_SECONDS = 20;
const CHANGES_PER_SECOND = 50;
/** The agent gives memory back when it has been quiet; Felix's collector runs every two minutes at the least. */
const SETTLE_MS = 10_000;

const created = '2026-01-01T00:00:00Z';

/** `turn`: how often it has changed. */
function endpointAt(n: number, turn: number): Write {
  const [node, namespace] = [`node-${Math.floor(n / ENDPOINTS_PER_NODE)}`, `namespace-${n % NAMESPACES}`];
  const name = `${node.replace('-', '--')}-k8s-wep--${n}-eth0`;
  const shares = [10, 11, 20, 30, 40].map((share) => [`one-in-${share}`, `value-${(n + turn) % share}`]);
  const labels = { ...Object.fromEntries(shares), [`marker-${(n + turn) % MARKERS}`]: 'true' };
  const value = {
    kind: 'WorkloadEndpoint',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name, namespace, uid: crypto.randomUUID(), creationTimestamp: created, labels },
    spec: {
      orchestrator: 'k8s',
      node,
      pod: `wep-${n}`,
      endpoint: 'eth0',
      ipNetworks: [`${formatIp(ipv4Of(0x0a000001 + n))}/32`],
      profiles: [`kns.${namespace}`],
      interfaceName: `cali${n.toString(16).padStart(11, '0')}`,
    },
  };
  return { kind: 'put', key: `${PREFIX}/workloadendpoints/${namespace}/${name}`, value: JSON.stringify(value) };
}

function profileAt(n: number): Write {
  const name = `kns.namespace-${n}`;
  const spec = { labelsToApply: { 'pcns.projectcalico.org/name': `namespace-${n}` } };
  const metadata = { name, uid: crypto.randomUUID(), creationTimestamp: created };
  const value = { kind: 'Profile', apiVersion: 'projectcalico.org/v3', metadata, spec };
  return { kind: 'put', key: `${PREFIX}/profiles/${name}`, value: JSON.stringify(value) };
}

/** Its set is wanted though no endpoint of the host is selected, so that agents need no pods to have work. */
function policyAt(n: number): Write {
  const name = `default.marker-${n}`;
  const spec = {
    tier: 'default',
    selector: `has(marker-${n})`,
    types: ['Ingress'],
    ingress: [{ action: 'Allow', source: { selector: `has(marker-${n})` } }],
    performanceHints: ['AssumeNeededOnEveryNode'],
  };
  const metadata = { name, uid: crypto.randomUUID(), creationTimestamp: created };
  const value = { kind: 'GlobalNetworkPolicy', apiVersion: 'projectcalico.org/v3', metadata, spec };
  return { kind: 'put', key: `${PREFIX}/globalnetworkpolicies/${name}`, value: JSON.stringify(value) };
}

/** Felix waits for it. */
const readiness: Write = {
  kind: 'put',
  key: `${PREFIX}/clusterinformations/default`,
  value: JSON.stringify({
    kind: 'ClusterInformation',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'default', uid: crypto.randomUUID(), creationTimestamp: created },
    spec: { datastoreReady: true },
  }),
};

/** Endpoints on other hosts, a hundred profiles, and policies whose sets have all endpoints between them. */
export async function fillCluster(datastore: Datastore, endpoints: number): Promise<void> {
  const few = [
    readiness,
    ...Array.from({ length: NAMESPACES }, (_, n) => profileAt(n)),
    ...Array.from({ length: MARKERS }, (_, n) => policyAt(n)),
  ];
  for (const write of few) await datastore.commit({ conditions: [], writes: [write] });
  for (let at = 0; at < endpoints; at += WRITES) {
    const writes = Array.from({ length: Math.min(WRITES, endpoints - at) }, (_, n) => endpointAt(at + n, 0));
    await datastore.commit({ conditions: [], writes });
  }
}

/** Endpoints elsewhere change their labels, evenly spread over a second. */
async function churn(datastore: Datastore, endpoints: number): Promise<void> {
  const startMs = performance.now();
  for (let change = 0; change < CHURN_SECONDS * CHANGES_PER_SECOND; change++) {
    await datastore.commit({ conditions: [], writes: [endpointAt((change * 7919) % endpoints, 1)] });
    const waitMs = startMs + ((change + 1) * 1000) / CHANGES_PER_SECOND - performance.now();
    if (waitMs > 0) await Bun.sleep(waitMs);
  }
}

/** Of a process that has brought into the kernel what the store says, in `startSeconds`. */
export async function observeCluster(
  pid: number,
  startSeconds: number,
  datastore: Datastore,
  endpoints: number,
): Promise<ClusterFigures> {
  await Bun.sleep(SETTLE_MS);
  const { cpuPercent: idlePercent } = await observeProcess(pid, IDLE_SECONDS);
  const resident = residentMb(pid);
  const before = cpuSeconds(pid);
  await churn(datastore, endpoints);
  const churnPercent = ((cpuSeconds(pid) - before) / CHURN_SECONDS) * 100;
  return { startSeconds, residentMb: resident, idlePercent, churnPercent };
}
