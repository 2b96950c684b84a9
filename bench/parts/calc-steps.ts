// One update at a time, after Felix's benchmarks of its label index (Calico v3.33, felix/labelindex/named_port_bench_test.go): an
// endpoint comes, a profile's labels change, a rule's selector is replaced. A set is there because a rule names it.
import { ipv4Of } from '../../src/net/ip.ts';
import type { PolicyUpdate } from '../../src/policy/types/input.ts';
import { parseSelector } from '../../src/selector/parse.ts';
import { SELECT_ALL } from '../../src/selector/selector.ts';
import {
  allowRule,
  endpointUpdate,
  localInterface,
  policyUpdate,
  profileUpdate,
  type StepWorkload,
} from './calc-workload.ts';

const PARENT_SETS = 100;

/** The endpoint of this node that all policies are for. */
const here = endpointUpdate('default/localhost-k8s-here-eth0', {
  addresses: [ipv4Of(0x0a00ffff)],
  local: localInterface(0),
});

function makeEndpoints(count: number): readonly PolicyUpdate[] {
  return Array.from({ length: count }, (_, n) =>
    endpointUpdate(`default/host-k8s-wep--${n}-eth0`, {
      labels: { alpha: 'beta', 'ipset-1': 'true' },
      profiles: [`namespace-${n}`],
      addresses: [ipv4Of(0x0a000000 + (n % 0xffff))],
    }),
  );
}

/** A policy with a rule for each selector. */
function policyOf(name: string, selectors: readonly string[]): PolicyUpdate {
  const ingress = selectors.map((selector, at) => allowRule(at, 'source', parseSelector(selector)));
  return policyUpdate(`GlobalNetworkPolicy//${name}`, SELECT_ALL, { ingress, egress: undefined });
}

const termsOf = (i: number) => `alpha == "beta" && has(ipset-${i})`;

/** `sets` sets that share one term; endpoints come, each a member of one of them. */
export function makeWorkloadUpdates(sets: number, steps: number): StepWorkload {
  const selectors = Array.from({ length: sets }, (_, i) => termsOf(i));
  return { before: [policyOf('sets', selectors), here], steps: makeEndpoints(steps) };
}

/** `endpoints` with a profile each; the labels that profiles apply are set. */
export function makeParentUpdates(endpoints: number, steps: number): StepWorkload {
  const selectors = Array.from({ length: PARENT_SETS }, (_, i) => `projectcalico.org/name == "namespace-${i}"`);
  const labelsOf = (n: number) => ({
    'projectcalico.org/name': `namespace-${n}`,
    'update-idx': String(n),
    'something-shared': 'foo',
  });
  return {
    before: [...makeEndpoints(endpoints), policyOf('sets', selectors), here],
    steps: Array.from({ length: steps }, (_, n) => profileUpdate(`namespace-${n}`, labelsOf(n))),
  };
}

/** `endpoints` are there; a rule names one selector after the other. Every tenth of them matches them all, the others none. */
export function makeSelectorUpdates(endpoints: number, steps: number): StepWorkload {
  return {
    before: [...makeEndpoints(endpoints), here],
    steps: Array.from({ length: steps }, (_, n) => policyOf('changing', [termsOf(n % 10)])),
  };
}
