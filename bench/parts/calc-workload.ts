// What a workload of the calculation is: updates that are made before the clock runs, and the resources that they are made of.
import { type Ipv4, ipv4Of } from '../../src/net/ip.ts';
import {
  ANY_ENTITY,
  blanketRule,
  type EndpointInput,
  type EntityMatch,
  type LabelMap,
  type PolicyInput,
  type PolicyUpdate,
  type ProfileInput,
  type RuleInput,
} from '../../src/policy/types/input.ts';
import type { Selector } from '../../src/selector/selector.ts';

/** A first snapshot, in the order in which it is fed. */
export interface SnapshotWorkload {
  readonly updates: readonly PolicyUpdate[];
  /** What is fed after it has been handed out. */
  readonly deletions: readonly PolicyUpdate[];
}

/** Updates that are taken one at a time, each flushed, after a state that is there before the clock runs. */
export interface StepWorkload {
  readonly before: readonly PolicyUpdate[];
  readonly steps: readonly PolicyUpdate[];
}

/** Equal labels whose texts nobody shares, as each endpoint comes from a JSON of its own. */
function unshared(labels: LabelMap): LabelMap {
  return JSON.parse(JSON.stringify(labels));
}

/** Addresses that count up from 10.0.0.1. */
export function createAddresses(): () => Ipv4 {
  let next = 0x0a000001;
  return () => ipv4Of(next++);
}

export function endpointUpdate(id: string, value: Partial<EndpointInput>): PolicyUpdate {
  const { labels = {}, profiles = [], addresses = [], ports = [], partial = false, local } = value;
  return {
    kind: 'endpoint',
    id,
    value: { labels: unshared(labels), profiles, addresses, ports, partial, local },
  };
}

/** What makes the n-th endpoint one of this node. */
export function localInterface(n: number): EndpointInput['local'] {
  return { interfaceName: `cali${n}`, mac: undefined, allowedSources: [] };
}

/** A profile without rules. */
export function profileUpdate(id: string, labelsToApply: LabelMap): PolicyUpdate {
  const value: ProfileInput = { labelsToApply: unshared(labelsToApply), ingress: [], egress: [] };
  return { kind: 'profile', id, value };
}

/** A rule that allows what comes from, or goes to, what a selector matches. Equal selectors of one policy are one value, as they are read. */
export function allowRule(index: number, side: 'source' | 'destination', selector: Selector): RuleInput {
  const entity: EntityMatch = { ...ANY_ENTITY, selector };
  return { ...blanketRule('allow', index), [side]: entity };
}

export function policyUpdate(
  id: string,
  selector: Selector,
  rules: Pick<PolicyInput, 'ingress' | 'egress'>,
): PolicyUpdate {
  const value: PolicyInput = {
    tier: 'default',
    order: Number.POSITIVE_INFINITY,
    selector,
    phase: 'normal',
    neededEverywhere: false,
    ...rules,
  };
  return { kind: 'policy', id, value };
}
