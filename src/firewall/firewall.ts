// The node's firewall as a value that follows the policy: takes its changes, hands out the steps that follow them, holds what is wanted.
import type { Cidr } from '../net/cidr.ts';
import { createRulesetEditor } from '../nftables/editor.ts';
import type { Ruleset, Steps } from '../nftables/nft.ts';
import type { PolicyChange } from '../policy/types/types.ts';
import type { FirewallConfig } from './config.ts';
import { computeNatElements, computeNatRanges, computeNatStages, type NatPool, type NatRanges, NO_NAT } from './nat.ts';
import { createPolicyRenderer } from './policy-renderer.ts';
import { createSetRenderer } from './set-renderer.ts';
import { computeBase, replaceStaticPart } from './static.ts';
import type { OwnedElement } from './workload.ts';
import { createWorkloadRenderer } from './workload-renderer.ts';

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
  /** Everything the table should hold: a live view, to compare the kernel with. */
  readonly ruleset: Ruleset;
}

/** Starts as the static part alone, which the kernel is taken to hold. */
export function createFirewall(initial: FirewallConfig): Firewall {
  let config = initial;
  const editor = createRulesetEditor(computeBase(config));
  const sets = createSetRenderer(editor);
  const policy = createPolicyRenderer(() => config, editor, sets);
  const workloads = createWorkloadRenderer(editor, policy, () => config.interfacePrefix);
  let nat = NO_NAT;
  let natElements: readonly OwnedElement[] = [];

  function follow(change: PolicyChange): void {
    switch (change.kind) {
      case 'set-added':
        sets.add(change.id, change);
        break;
      case 'set-changed':
        policy.touchSet(change.id);
        if (sets.change(change.id, change)) policy.renewSet(change.id);
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
    }
  }

  function setNat(next: NatRanges): Steps {
    for (const { set, key } of natElements) editor.removeElement(set, key);
    natElements = computeNatElements(next);
    for (const { set, key } of natElements) editor.setElement(set, key);
    return editor.takeSteps();
  }

  return {
    apply(changes) {
      for (const change of changes) follow(change);
      policy.settle();
      return editor.takeSteps();
    },
    /** Without endpoints no chain of a policy is left that was rendered by the former configuration. */
    setConfig(next) {
      const endpoints = workloads.all();
      for (const { id } of endpoints) workloads.remove(id);
      replaceStaticPart(editor, config, next);
      config = next;
      for (const endpoint of endpoints) workloads.set(endpoint);
      policy.settle();
      return editor.takeSteps();
    },
    setPools(pools, direct) {
      const stages = computeNatStages(nat, computeNatRanges(pools, direct));
      nat = stages.at(-1) ?? nat;
      return stages.flatMap(setNat);
    },
    ruleset: editor.ruleset,
  };
}
