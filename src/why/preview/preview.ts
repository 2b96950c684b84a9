// Which pairs of endpoints would change their verdict from one state of the cluster to another, by kinds of endpoints.
import { sameContent } from '../../base/equal.ts';
import { familyOf } from '../../net/ip.ts';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../../net/protocol.ts';
import type { Packet } from '../../policy/oracle/packet.ts';
import type { PolicySnapshot } from '../../policy/oracle/snapshot.ts';
import { satisfies } from '../../policy/oracle/snapshot-labels.ts';
import { computeVerdict, type FlowVerdict } from '../../policy/oracle/verdict.ts';
import type { EndpointInput, RuleInput } from '../../policy/types/input.ts';
import { DIRECTIONS, type Direction } from '../../policy/types/types.ts';
import { USUAL_SOURCE_PORT } from '../flow.ts';
import { isHostEndpoint } from '../resolve.ts';
import { createFocus, type Focus } from './focus.ts';
import { addressesOf, commonEndpoints, type EndpointKind, groupEndpoints, rulesOf } from './kinds-of-endpoints.ts';
import { listProbes, MAX_PROBES, type Probe } from './probes.ts';

/** Pairs of kinds that are compared: some seconds. */
const MAX_COMPARED = 2_000;

/** One packet between two kinds of endpoints whose verdict is another one. */
export interface Change {
  readonly probe: Probe;
  readonly packet: Packet;
  readonly from: EndpointKind;
  readonly to: EndpointKind;
  readonly before: FlowVerdict;
  readonly after: FlowVerdict;
}

export interface Preview {
  readonly changes: readonly Change[];
  readonly probes: readonly Probe[];
  /** Pairs of endpoints: all, those that were compared, and those of which something changes. */
  readonly pairs: { readonly all: number; readonly compared: number; readonly changed: number };
  /** Ids of host endpoints that the change may be about: they are not compared. */
  readonly hostEndpoints: readonly string[];
  /** Of packets to try. */
  readonly probesLeftOut: number;
}

/** Policies that one state has and the other has not, or has otherwise; undefined when something else differs too. */
function changedPolicies(before: PolicySnapshot, after: PolicySnapshot): readonly string[] | undefined {
  const differs = (a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>) =>
    [...new Set([...a.keys(), ...b.keys()])].filter((id) => !sameContent(a.get(id), b.get(id)));
  const others = (['endpoints', 'networkSets', 'profiles', 'tiers'] as const).flatMap((map) =>
    differs(before[map], after[map]),
  );
  return others.length > 0 ? undefined : differs(before.policies, after.policies);
}

/** Whether what changes may judge an endpoint in a direction. */
type AffectsEndpoint = (id: string, direction: Direction) => boolean;

function createAffectsEndpoint(
  states: readonly PolicySnapshot[],
  policies: readonly string[] | undefined,
): AffectsEndpoint {
  return (id, direction) =>
    policies === undefined ||
    states.some((snapshot) =>
      policies.some((policy) => {
        const [one, endpoint] = [snapshot.policies.get(policy), snapshot.endpoints.get(id)];
        if (one?.[direction] === undefined || endpoint === undefined) return false;
        return satisfies(endpoint, one.selector, snapshot) !== false;
      }),
    );
}

/** Of both states. */
function listHostEndpoints(states: readonly PolicySnapshot[], affects: AffectsEndpoint): readonly string[] {
  const ids = new Set(states.flatMap(({ endpoints }) => [...endpoints.keys()].filter(isHostEndpoint)));
  return [...ids].filter((id) => DIRECTIONS.some((direction) => affects(id, direction))).sort();
}

/** All rules, those of what changes first. */
function rulesToTry(states: readonly PolicySnapshot[], policies: readonly string[] = []): readonly RuleInput[] {
  const changed = states.flatMap((snapshot) => policies.flatMap((id) => snapshot.policies.get(id) ?? []));
  const first = changed.flatMap(({ ingress = [], egress = [] }) => [...ingress, ...egress]);
  return [...first, ...states.flatMap(rulesOf)];
}

/** The packets of a probe, one for each family that both have. */
function packetsOf(probe: Probe, from: EndpointInput, to: EndpointInput): readonly Packet[] {
  const { protocol, port, sourcePort = USUAL_SOURCE_PORT, icmp } = probe;
  const wanted = protocol === PROTOCOL_ICMP ? 4 : protocol === PROTOCOL_ICMPV6 ? 6 : undefined;
  const named = to.ports.find((one) => one.name === port && one.protocol === protocol)?.port;
  const destinationPort = typeof port === 'string' ? named : port;
  if (typeof port === 'string' && named === undefined) return [];
  return addressesOf(from).flatMap((source) => {
    const destination = addressesOf(to).find((address) => familyOf(address) === familyOf(source));
    if (destination === undefined || (wanted !== undefined && familyOf(source) !== wanted)) return [];
    const ports = destinationPort === undefined ? {} : { sourcePort, destinationPort };
    const type = icmp === undefined ? {} : { icmpType: icmp.type, icmpCode: icmp.code ?? 0 };
    return [{ source, destination, protocol, ...ports, ...type }];
  });
}

function pairsOf(from: EndpointKind, to: EndpointKind): number {
  return from === to ? from.length * (from.length - 1) : from.length * to.length;
}

/** Two different endpoints of the kinds; undefined where there are none. */
function representatives(from: EndpointKind, to: EndpointKind): readonly [string, string] | undefined {
  const second = from === to ? to[1] : to[0];
  return second === undefined ? undefined : [from[0], second];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

interface KindPair {
  readonly from: EndpointKind;
  readonly to: EndpointKind;
}

/** Pairs of kinds at one of whose ends something that changes may judge; no other pair can change. */
function* pairKinds(kinds: readonly EndpointKind[], affects: AffectsEndpoint): Generator<KindPair> {
  const senders = new Set(kinds.filter(([id]) => affects(id, 'egress')));
  for (const from of senders) for (const to of kinds) yield { from, to };
  const receivers = kinds.filter(([id]) => affects(id, 'ingress'));
  for (const to of receivers) for (const from of kinds) if (!senders.has(from)) yield { from, to };
}

/** How many pairs of endpoints those of pairKinds are. */
function countAffected(kinds: readonly EndpointKind[], affects: AffectsEndpoint): number {
  const count = (of: readonly EndpointKind[]) => sum(of.map(({ length }) => length));
  const senders = kinds.filter(([id]) => affects(id, 'egress'));
  const receivers = kinds.filter(([id]) => affects(id, 'ingress'));
  const both = count(senders.filter((kind) => receivers.includes(kind)));
  const [from, to, others] = [count(senders), count(receivers), count(kinds) - 1];
  return from * others + to * others - (from * to - both);
}

/** The packets between one endpoint of each kind on which the states differ. */
function comparePair({ from, to }: KindPair, probes: readonly Probe[], was: Focus, willBe: Focus): readonly Change[] {
  const [source, destination] = representatives(from, to) ?? [];
  if (source === undefined || destination === undefined) return [];
  const [before, after] = [was(source, destination), willBe(source, destination)];
  const [sender, receiver] = [after.endpoints.get(source), after.endpoints.get(destination)];
  if (sender === undefined || receiver === undefined) return [];
  const packets = probes.flatMap((probe) => packetsOf(probe, sender, receiver).map((packet) => ({ probe, packet })));
  return packets.flatMap(({ probe, packet }): readonly Change[] => {
    const first = computeVerdict(packet, before, { source, destination });
    const second = computeVerdict(packet, after, { source, destination });
    return first.allowed === second.allowed ? [] : [{ probe, packet, from, to, before: first, after: second }];
  });
}

/** Compares the verdicts of both states. */
export function computePreview(before: PolicySnapshot, after: PolicySnapshot): Preview {
  const policies = changedPolicies(before, after);
  const affects = createAffectsEndpoint([before, after], policies);
  const ids = commonEndpoints(before, after);
  const kinds = groupEndpoints(ids, before, after);
  const listed = listProbes(rulesToTry([before, after], policies));
  const probes = listed.slice(0, MAX_PROBES);
  const [was, willBe] = [createFocus(before), createFocus(after)];
  const pairs = [...pairKinds(kinds, affects).take(MAX_COMPARED)].map((pair) => ({
    count: pairsOf(pair.from, pair.to),
    changes: comparePair(pair, probes, was, willBe),
  }));
  const all = ids.length * (ids.length - 1);
  const left = countAffected(kinds, affects) - sum(pairs.map(({ count }) => count));
  const changed = sum(pairs.filter(({ changes }) => changes.length > 0).map(({ count }) => count));
  return {
    changes: pairs.flatMap(({ changes }) => changes),
    probes,
    pairs: { all, compared: all - left, changed },
    hostEndpoints: listHostEndpoints([before, after], affects),
    probesLeftOut: listed.length - probes.length,
  };
}
