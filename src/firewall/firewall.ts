// The node's firewall as a value that follows the policy: takes its changes, hands out the steps that follow them, holds what is wanted.
import type { Cidr } from '../net/cidr.ts';
import type { Ip } from '../net/ip.ts';
import { createRulesetEditor } from '../nftables/editor.ts';
import type { Ruleset, Steps } from '../nftables/nft.ts';
import { createReachTest, type RefusedObject } from '../nftables/refused.ts';
import type { Direction, EndpointPolicy, HostEndpointPolicy, PolicyChange, RuleListId } from '../policy/types/types.ts';
import type { FirewallConfig } from './config.ts';
import {
  computeGuardedElements,
  computeGuardedStages,
  type GuardedElement,
  type GuardedRanges,
  NOTHING_GUARDED,
} from './encryption/ranges.ts';
import type { AssignedHostEndpoint, InterfaceAddresses } from './host/interfaces.ts';
import { createHostRenderer } from './host-renderer.ts';
import {
  computeNatElements,
  computeNatRanges,
  computeNatStages,
  type NatElement,
  type NatPool,
  type NatRanges,
  NO_NAT,
} from './nat/ranges.ts';
import { createPolicyRenderer } from './policy-renderer.ts';
import { createSetRenderer } from './set-renderer.ts';
import { computeBase, replaceStaticPart } from './static.ts';
import { createIpipRenderer } from './tunnel/ipip.ts';
import { createVxlanRenderer } from './tunnel/renderer.ts';
import { computeVxlanPass, type VxlanGuard } from './tunnel/vxlan.ts';
import { computePeeringElements, type Peering } from './workload.ts';
import { createWorkloadRenderer } from './workload-renderer.ts';

/** What is without effect from now on. */
interface Closed {
  /** Ids of endpoints. */
  readonly endpoints: readonly string[];
  /** Names of IP sets. */
  readonly sets: readonly string[];
}

export interface Firewall {
  /**
   * Follows the changes; no steps when nothing differs in the kernel. Throws `internal` when they name a set, policy or
   * profile that is not there; the firewall is of no use then.
   */
  apply(changes: readonly PolicyChange[]): Steps;
  /** Renders everything anew by another configuration: what comes out the same is not touched in the kernel. */
  setConfig(next: FirewallConfig): Steps;
  /** Replaces what is known about NAT; see computeNatRanges. */
  setPools(pools: readonly NatPool[], direct?: readonly Cidr[]): Steps;
  /** Replaces what is known of VXLAN, and the other hosts that packets of it are taken from. */
  setVxlan(guard: VxlanGuard, hosts: readonly Ip[], ipipHosts?: readonly Ip[]): Steps;
  /** Replaces what is reached encrypted or not at all. */
  setGuarded(ranges: GuardedRanges): Steps;
  /** Replaces what is known of workloads that speak BGP with the host. */
  setPeerings(peerings: readonly Peering[]): Steps;
  /**
   * Leaves out the endpoints that cannot be without what the kernel refuses: it drops all from and to them, but for failsafe ports
   * of hosts. An IP set that it refuses is left out as well, until a rule asks for it again.
   * Each endpoint comes back when it or one of its policies changes, or by reopen. The kernel is to be compared with what is left.
   */
  close(refused: readonly RefusedObject[]): Closed;
  /** Takes one in again that was left out, as it is wanted now. */
  reopen(id: string): Steps;
  /** Those that are left out. */
  closed(): readonly string[];
  /** Replaces what is known of the host's interfaces. */
  setInterfaces(interfaces: readonly InterfaceAddresses[]): Steps;
  /** What each host endpoint protects. */
  hostEndpoints(): readonly AssignedHostEndpoint[];
  /** Everything the table should hold: a live view, to compare the kernel with. */
  readonly ruleset: Ruleset;
}

/** The policies and profiles that an endpoint is under. */
function listsOf({ tiers, profiles }: Pick<EndpointPolicy, 'tiers' | 'profiles'>): readonly RuleListId[] {
  return [...tiers.flatMap(({ ingress, egress }) => [...ingress, ...egress]), ...profiles];
}

function listsOfHost({ untracked, preDnat, forward, normal, profiles }: HostEndpointPolicy): readonly RuleListId[] {
  return listsOf({ tiers: [...untracked, ...preDnat, ...forward, ...normal], profiles });
}

/** Starts as the static part alone, which the kernel is taken to hold. */
export function createFirewall(initial: FirewallConfig): Firewall {
  let config = initial;
  const editor = createRulesetEditor(computeBase(config));
  const sets = createSetRenderer(editor);
  const policy = createPolicyRenderer(() => config, editor, sets);
  const workloads = createWorkloadRenderer(editor, policy, () => config);
  const vxlan = createVxlanRenderer(editor);
  const ipip = createIpipRenderer(editor);
  const passOf = (direction: Direction) => [...computeVxlanPass(vxlan.guard(), direction), ...ipip.pass(direction)];
  const hosts = createHostRenderer(editor, policy, () => config, passOf);
  let nat = NO_NAT;
  let natElements: readonly NatElement[] = [];
  let guarded = NOTHING_GUARDED;
  let guardedElements: readonly GuardedElement[] = [];
  let peeringElements: readonly NatElement[] = [];

  function followSet(change: Extract<PolicyChange, { kind: 'set-changed' }>): void {
    const { isSmall, isAskedOtherwise } = sets.change(change.id, change);
    if (isSmall) policy.touchSet(change.id);
    if (isAskedOtherwise) policy.renewSet(change.id);
  }

  function follow(change: PolicyChange): void {
    switch (change.kind) {
      case 'set-added':
        sets.add(change.id, change);
        break;
      case 'set-changed':
        followSet(change);
        break;
      case 'set-removed':
        sets.remove(change.id);
        break;
      case 'rules-set':
        policy.setRules(change.list);
        break;
      case 'rules-removed':
        policy.removeRules(change.id);
        break;
      case 'endpoint-set':
        workloads.set(change.endpoint);
        break;
      case 'endpoint-removed':
        workloads.remove(change.id);
        break;
      case 'host-endpoint-set':
        hosts.set(change.endpoint);
        break;
      case 'host-endpoint-removed':
        hosts.remove(change.id);
        break;
    }
  }

  function replaceElements(former: readonly NatElement[], next: readonly NatElement[]): Steps {
    for (const { set, key } of former) editor.removeElement(set, key);
    for (const { set, key } of next) editor.setElement(set, key);
    return editor.takeSteps();
  }

  function setGuardedElements(next: GuardedRanges): Steps {
    const former = guardedElements;
    guardedElements = computeGuardedElements(next);
    return replaceElements(former, guardedElements);
  }

  function setNat(next: NatRanges): Steps {
    const former = natElements;
    natElements = computeNatElements(next);
    return replaceElements(former, natElements);
  }

  /** Those that are left out come back with a policy of theirs that has changed. */
  function reopenUsers(changes: readonly PolicyChange[]): void {
    const changed = new Set(changes.flatMap((change) => (change.kind === 'rules-set' ? change.list.id : [])));
    for (const endpoint of workloads.closed())
      if (listsOf(endpoint).some((id) => changed.has(id))) workloads.set(endpoint);
    hosts.reopen((endpoint) => listsOfHost(endpoint).some((id) => changed.has(id)));
  }

  return {
    apply(changes) {
      for (const change of changes) follow(change);
      reopenUsers(changes);
      policy.settle();
      return editor.takeSteps();
    },
    close(refused) {
      const names = new Set(refused.map(({ name }) => name));
      const isLeading = createReachTest(editor.ruleset, names);
      const isIn = ({ set, key }: NatElement) =>
        refused.some(({ name, keys }) => name === set && (keys.size === 0 || keys.has(key)));
      const ids = workloads.close(({ chains, elements }) => chains.some(isLeading) || elements.some(isIn));
      const hostIds = hosts.close(isLeading);
      policy.settle();
      const left = sets.leaveOut(names);
      editor.takeSteps();
      return { endpoints: [...ids, ...hostIds], sets: left };
    },
    reopen(id) {
      for (const endpoint of workloads.closed()) if (endpoint.id === id) workloads.set(endpoint);
      hosts.reopen((endpoint) => endpoint.id === id);
      policy.settle();
      return editor.takeSteps();
    },
    closed: () => [...workloads.closed().map(({ id }) => id), ...hosts.closed()],
    /** Without endpoints no chain of a policy is left that was rendered by the former configuration. */
    setConfig(next) {
      const endpoints = [...workloads.all(), ...workloads.closed()];
      for (const { id } of endpoints) workloads.remove(id);
      hosts.withdraw();
      replaceStaticPart(editor, config, next);
      config = next;
      for (const endpoint of endpoints) workloads.set(endpoint);
      hosts.render();
      policy.settle();
      return editor.takeSteps();
    },
    setPools(pools, direct) {
      const stages = computeNatStages(nat, computeNatRanges(pools, direct));
      nat = stages.at(-1) ?? nat;
      return stages.flatMap(setNat);
    },
    setVxlan(guard, others, ipipHosts) {
      const isOther = [vxlan.setGuard(guard), ipip.setHosts(ipipHosts)];
      if (isOther.includes(true)) hosts.render();
      vxlan.setHosts(others);
      policy.settle();
      return editor.takeSteps();
    },
    setGuarded(ranges) {
      const stages = computeGuardedStages(guarded, ranges);
      guarded = ranges;
      return stages.flatMap(setGuardedElements);
    },
    setPeerings(peerings) {
      const former = peeringElements;
      peeringElements = computePeeringElements(peerings);
      return replaceElements(former, peeringElements);
    },
    setInterfaces(interfaces) {
      hosts.setInterfaces(interfaces);
      policy.settle();
      return editor.takeSteps();
    },
    hostEndpoints: hosts.all,
    ruleset: editor.ruleset,
  };
}
