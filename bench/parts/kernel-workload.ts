// What is programmed into the kernel by `bench/kernel.ts`: the sets, policies and endpoints of Felix's benchmark of its nftables
// backend (felix/nftables/bench_test.go in projectcalico/calico), and endpoints that each have policies of their own.
import { addToIp, type Ip, parseIp } from '../../src/net/ip.ts';
import {
  ANY_PACKET,
  ANY_SIDE,
  type CompiledRule,
  type PolicyChange,
  type RuleList,
} from '../../src/policy/types/types.ts';

const RULES = 10;
const TCP = 6;
const FIRST_MEMBER = parseIp('10.0.0.0');
const FIRST_ENDPOINT = parseIp('172.20.0.0');
/** Comes into a set and goes again. */
const MOVING_MEMBER = parseIp('172.16.0.0');

export interface Size {
  readonly sets: number;
  readonly members: number;
  readonly policies: number;
}

/** sets × members × policies of ten rules. */
export const sizes: readonly Size[] = [
  { sets: 100, members: 20, policies: 100 },
  { sets: 500, members: 50, policies: 500 },
  { sets: 2000, members: 100, policies: 2000 },
];

const setId = (number: number): string => `s:${number}`;
const policyId = (number: number): string => `GlobalNetworkPolicy//p${number}`;

/** TCP from one set to one port. Felix's benchmark has IPv4 alone. */
function ruleOf(set: number, port: number): CompiledRule {
  return {
    action: 'allow',
    ...ANY_PACKET,
    family: 4,
    protocol: TCP,
    source: { ...ANY_SIDE, ipSets: [setId(set)] },
    destination: { ...ANY_SIDE, ports: [{ min: port, max: port }] },
    comment: undefined,
    index: port % RULES,
  };
}

function policyOf(number: number, { sets }: Size, firstPort = 1000): RuleList {
  const rules = Array.from({ length: RULES }, (_, index) =>
    ruleOf((number * RULES + index) % sets, index === 0 ? firstPort : 1000 + index),
  );
  return { id: policyId(number), ingress: rules, egress: [] };
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function addSet(number: number, { members }: Size): PolicyChange {
  const addresses = numbers(members).map((member): Ip => addToIp(FIRST_MEMBER, number * members + member));
  return { kind: 'set-added', id: setId(number), type: 'address', members: addresses };
}

function setRules(number: number, size: Size, firstPort?: number): PolicyChange {
  return { kind: 'rules-set', list: policyOf(number, size, firstPort) };
}

/** An endpoint under these policies, in this order. */
function setEndpoint(number: number, policies: readonly number[]): PolicyChange {
  return {
    kind: 'endpoint-set',
    endpoint: {
      id: `default/e${number}`,
      interfaceName: `cali${number}`,
      mac: undefined,
      addresses: [addToIp(FIRST_ENDPOINT, number)],
      allowedSources: [],
      tiers: [
        { tier: 'default', defaultAction: 'deny', ingress: policies.map(policyId), egress: policies.map(policyId) },
      ],
      profiles: [],
    },
  };
}

function content(size: Size): readonly PolicyChange[] {
  return [
    ...numbers(size.sets).map((number) => addSet(number, size)),
    ...numbers(size.policies).map((number) => setRules(number, size)),
  ];
}

/** All policies on one endpoint, as Felix's benchmark calls all from one chain. */
export function allOnOne(size: Size): readonly PolicyChange[] {
  return [...content(size), setEndpoint(0, numbers(size.policies))];
}

/** As many endpoints as there are policies, each with one that no other has. */
export function oneForEach(size: Size): readonly PolicyChange[] {
  return [...content(size), ...numbers(size.policies).map((number) => setEndpoint(number, [number]))];
}

/** One member of the first set comes or goes. */
export function moveMember(isIn: boolean): readonly PolicyChange[] {
  const [added, removed] = isIn ? [[MOVING_MEMBER], []] : [[], [MOVING_MEMBER]];
  return [{ kind: 'set-changed', id: setId(0), type: 'address', added, removed }];
}

/** One rule of the first policy has another port. */
export function changeRule(size: Size, port: number): readonly PolicyChange[] {
  return [setRules(0, size, port)];
}

/** One endpoint more, under the policies of another one. */
export function addSharing({ policies }: Size): readonly PolicyChange[] {
  return [setEndpoint(policies, [0])];
}

export function removeSharing({ policies }: Size): readonly PolicyChange[] {
  return [{ kind: 'endpoint-removed', id: `default/e${policies}` }];
}

/** So many endpoints more, each with a policy that no other has. */
export function addEndpoints(size: Size, count: number): readonly PolicyChange[] {
  const added = numbers(count).map((number) => size.policies + number);
  return [...added.map((number) => setRules(number, size)), ...added.map((number) => setEndpoint(number, [number]))];
}

export function removeEndpoints(size: Size, count: number): readonly PolicyChange[] {
  const removed = numbers(count).map((number) => size.policies + number);
  return [
    ...removed.map((number): PolicyChange => ({ kind: 'endpoint-removed', id: `default/e${number}` })),
    ...removed.map((number): PolicyChange => ({ kind: 'rules-removed', id: policyId(number) })),
  ];
}
