// First snapshots after Felix's own benchmarks (Calico v3.33, felix/calc/calc_graph_bench_test.go): policies by marker labels,
// and policies with a network set each. Endpoints have few labels with few values.
import { maskCidr } from '../../src/net/cidr.ts';
import type { Ipv4 } from '../../src/net/ip.ts';
import type { LabelMap, PolicyUpdate } from '../../src/policy/types/input.ts';
import { parseSelector } from '../../src/selector/parse.ts';
import { SELECT_ALL } from '../../src/selector/selector.ts';
import {
  allowRule,
  createAddresses,
  endpointUpdate,
  localInterface,
  policyUpdate,
  profileUpdate,
  type SnapshotWorkload,
} from './calc-workload.ts';

const NAMESPACES = 100;
const LOCAL_ENDPOINTS = 200;
const RULES_PER_POLICY = 5;
const SET_SIZES = [1, 1, 1, 1, 2, 3, 4, 5, 100, 1000];

const PLAIN =
  'BIFF_BOP calico/FizzBuzz calico/BoffBip calico/Bazzle calico/Razzle calico/DoopDeeDoo calico/SOME_LABEL calico/BORED_NOW'.split(
    ' ',
  );
const withPrefix = (prefix: string) => ['FOO_BAR', ...PLAIN].map((name) => `${prefix}${name}`);
const MARKERS = [
  'FOO_BAR',
  ...withPrefix(''),
  'MyMarkerLabel',
  ...withPrefix('x'),
  'yxMyMarkerLabel',
  ...withPrefix('yx'),
  'yxMyMarkerLabel',
];

const marker = (n: number) => MARKERS[n % MARKERS.length] ?? '';

/** `k`: runs from 1 over all endpoints. */
function labelsOf(k: number): LabelMap {
  const shares = [10, 11, 20, 30, 40].map((share) => [`one-in-${share}`, `value-${k % share}`]);
  return { ...Object.fromEntries(shares), [marker(k)]: 'true' };
}

interface Endpoints {
  readonly remote: readonly PolicyUpdate[];
  readonly local: readonly PolicyUpdate[];
}

const idOf = (node: string, n: number) => `default/${node}-k8s-wep--${n}-eth0`;

function makeEndpoints(remote: number, nextAddress: () => Ipv4): Endpoints {
  let k = 0;
  const make = (node: string, local: boolean) => (_: unknown, n: number) =>
    endpointUpdate(idOf(node, n), {
      labels: labelsOf(++k),
      profiles: [`namespace-${n % NAMESPACES}`],
      addresses: [nextAddress()],
      local: local ? localInterface(n) : undefined,
    });
  return {
    remote: Array.from({ length: remote }, make('remotehost', false)),
    local: Array.from({ length: LOCAL_ENDPOINTS }, make('localhost', true)),
  };
}

function makeProfiles(): readonly PolicyUpdate[] {
  return Array.from({ length: NAMESPACES }, (_, n) =>
    profileUpdate(`namespace-${n}`, { 'projectcalico.org/name': `namespace-${n}` }),
  );
}

const deletionsOf = (updates: readonly PolicyUpdate[]) =>
  updates.flatMap((update): readonly PolicyUpdate[] =>
    update.kind === 'endpoint' ? [{ ...update, value: undefined }] : [],
  );

function makeTagPolicy(_: unknown, i: number): PolicyUpdate {
  const own = parseSelector(`has(${marker(i)})`);
  const ingress = Array.from({ length: RULES_PER_POLICY }, (_, j) =>
    allowRule(j, 'source', j === 0 ? own : parseSelector(`has(${marker(i + j)})`)),
  );
  return policyUpdate(`GlobalNetworkPolicy//tag-pol-${i}`, own, { ingress, egress: undefined });
}

/** `policies` by marker labels over `remote` endpoints elsewhere. */
export function makeTags(remote: number, policies: number): SnapshotWorkload {
  const { remote: others, local } = makeEndpoints(remote, createAddresses());
  const rules = Array.from({ length: policies }, makeTagPolicy);
  return { updates: [...rules, ...makeProfiles(), ...others, ...local], deletions: deletionsOf(local) };
}

/** A network set of the next size, and the policy that lets it in everywhere. */
function makeSetAndPolicy(i: number, nextAddress: () => Ipv4): readonly PolicyUpdate[] {
  const name = `network-set-${i}`;
  const nets = Array.from({ length: SET_SIZES[i % SET_SIZES.length] ?? 0 }, () =>
    maskCidr({ address: nextAddress(), prefixLength: 32 }),
  );
  const labels = { 'network-set-name': name };
  return [
    { kind: 'network-set', id: `GlobalNetworkSet//${name}`, value: { labels, profiles: [], nets, partial: false } },
    policyUpdate(`GlobalNetworkPolicy//network-set-pol-${i}`, SELECT_ALL, {
      ingress: [allowRule(0, 'source', parseSelector(`network-set-name == '${name}'`))],
      egress: undefined,
    }),
  ];
}

/** `sets` network sets with a policy each over `remote` endpoints elsewhere. */
export function makeNetworkSets(remote: number, sets: number): SnapshotWorkload {
  const { remote: others, local } = makeEndpoints(remote, createAddresses());
  const nextAddress = createAddresses();
  const pairs = Array.from({ length: sets }, (_, i) => makeSetAndPolicy(i, nextAddress)).flat();
  return { updates: [...makeProfiles(), ...others, ...pairs, ...local], deletions: deletionsOf(local) };
}
