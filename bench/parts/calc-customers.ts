// A first snapshot of many tenants that see nobody but themselves (Calico v3.33, felix/calc/calc_graph_bench_test.go): a profile,
// a policy and an endpoint each; endpoints have many labels, a third of them found nowhere else.
import { parseCidr } from '../../src/net/cidr.ts';
import {
  ANY_ENTITY,
  blanketRule,
  type LabelMap,
  type PolicyUpdate,
  type RuleInput,
} from '../../src/policy/types/input.ts';
import { parseSelector } from '../../src/selector/parse.ts';
import {
  allowRule,
  createAddresses,
  endpointUpdate,
  localInterface,
  policyUpdate,
  profileUpdate,
  type SnapshotWorkload,
} from './calc-workload.ts';

const LOCAL_ENDPOINTS = 100;
const TENANTS_MAX = 5_000;
const UDP = 17;
const NAME_LABEL = 'pcns.kubernetes.io/metadata.name';
const DNS: RuleInput = {
  ...blanketRule('allow', 1),
  family: 4,
  protocol: UDP,
  destination: { ...ANY_ENTITY, nets: [parseCidr('10.96.0.10/32')], ports: [{ min: 53, max: 53 }] },
};

/** A text of letters and digits that looks like no other; the same for the same seed. */
function textOf(seed: number, length: number): string {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) >>> 0;
  let text = '';
  while (text.length < length) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x297a2d39) >>> 0;
    text += state.toString(16).padStart(8, '0');
  }
  return text.slice(0, length);
}

const pick = (values: readonly string[], n: number) => values[n % values.length] ?? '';

function labelsOf(n: number): LabelMap {
  return {
    'pod-id': textOf(n * 5, 20),
    'instance-id': textOf(n * 5 + 1, 20),
    'short-id': textOf(n * 5 + 2, 10),
    'config-hash': textOf(n * 5 + 3, 20),
    'version-tag': textOf(n * 5 + 4, 8),
    enabled: String(n % 2),
    debug: String((n >> 1) % 2),
    canary: String((n >> 2) % 2),
    managed: String((n >> 3) % 2),
    environment: pick(['dev', 'staging', 'prod'], n),
    tier: pick(['frontend', 'backend', 'middleware', 'data'], n),
    region: pick(['us-east', 'us-west', 'eu-west', 'ap-south'], n),
    team: pick(['platform', 'payments', 'identity', 'growth', 'infra'], n),
    'managed-by': 'saas-controller',
    'tenant-id': textOf(n % TENANTS_MAX, 10),
  };
}

function makeProfile(n: number): PolicyUpdate {
  const labels = { [NAME_LABEL]: `customer-${n}`, 'namespace-id': textOf(n, 20), production: String(n % 2 === 0) };
  return profileUpdate(`kns.customer-${n}`, labels);
}

function makePolicy(n: number): PolicyUpdate {
  const own = parseSelector(`${NAME_LABEL} == 'customer-${n}'`);
  return policyUpdate(`NetworkPolicy/customer-${n}/isolation`, own, {
    ingress: [allowRule(0, 'source', own)],
    egress: [allowRule(0, 'destination', own), DNS],
  });
}

/** One endpoint for each customer; a hundred of them, spread evenly, are on this node. */
export function makeCustomers(customers: number): SnapshotWorkload {
  const all = Array.from({ length: customers }, (_, n) => n);
  const nextAddress = createAddresses();
  const stride = Math.max(1, Math.floor(customers / LOCAL_ENDPOINTS));
  const isLocal = (n: number) => n % stride === 0 && n < stride * LOCAL_ENDPOINTS;
  const endpoint = (n: number) =>
    endpointUpdate(`customer-${n}/${isLocal(n) ? 'localhost' : 'remotehost'}-k8s-app--${textOf(n, 9)}-eth0`, {
      labels: labelsOf(n),
      profiles: [`kns.customer-${n}`],
      addresses: [nextAddress()],
      local: isLocal(n) ? localInterface(n) : undefined,
    });
  const endpoints = Map.groupBy(all, isLocal);
  const made = (local: boolean) => (endpoints.get(local) ?? []).map(endpoint);
  const updates = [...all.map(makePolicy), ...all.map(makeProfile), ...made(false), ...made(true)];
  return { updates, deletions: [] };
}
