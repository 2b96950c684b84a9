// A host with two pods that a flood goes between, and an agent's rules that go from one state of policy to another.
import { expect } from 'bun:test';
import type { FirewallConfig } from '../../../src/firewall/config.ts';
import { createFirewall, type Firewall } from '../../../src/firewall/firewall.ts';
import type { KernelFirewall } from '../../../src/kernel/nftables/firewall.ts';
import type { Operation } from '../../../src/nftables/nft.ts';
import type { EndpointPolicy, IpSetContent, RuleList } from '../../../src/policy/types/types.ts';
import { allowing, computeChanges, emptyState, type PolicyState } from './firewall-cases.ts';
import { prepareFlood } from './firewall-flood.ts';
import { openFirewallIn } from './firewall-net.ts';
import { addHost, addPod, type Pod } from './firewall-pods.ts';

export interface FloodedHost {
  readonly netns: string;
  readonly from: Pod;
  readonly to: Pod;
  /** Of the agent that runs now. */
  readonly firewall: Firewall;
  readonly kernel: KernelFirewall;
  /** Goes on to a state; how many batches lead there, of which the kernel gets the first `taken`, or all. */
  enter(state: PolicyState, taken?: number): number;
  /** Goes on to other settings; how many batches lead there. */
  configure(config: FirewallConfig): number;
  /** Another agent begins, which knows this state and no other, and the kernel as the one before has left it. */
  restart(state: PolicyState): void;
  close(): void;
}

/** The profile of both pods. */
const OPEN: RuleList = { id: 'Profile//open', ingress: [allowing()], egress: [allowing()] };

/** A state that has the profile `open` as well. */
export function stateWith(
  endpoints: readonly EndpointPolicy[],
  lists: readonly RuleList[] = [],
  sets: Readonly<Record<string, IpSetContent>> = {},
): PolicyState {
  return {
    sets: new Map(Object.entries(sets)),
    lists: new Map([OPEN, ...lists].map((list) => [list.id, list])),
    endpoints: new Map(endpoints.map((endpoint) => [endpoint.id, endpoint])),
    hosts: new Map(),
  };
}

export function openFloodedHost(config: FirewallConfig): FloodedHost {
  const netns = addHost();
  const [from, to] = [addPod(netns, 1), addPod(netns, 2)];
  prepareFlood(netns, to);
  let now = emptyState;
  let kernel: KernelFirewall;
  let firewall: Firewall;

  function start(): void {
    kernel = openFirewallIn(netns);
    expect(kernel.loadBase(config).kind).toBe('loaded');
    firewall = createFirewall(config);
  }

  function apply(steps: readonly (readonly Operation[])[], taken?: number): number {
    expect(kernel.apply(steps.slice(0, taken), firewall.ruleset)).toEqual({ kind: 'applied' });
    return steps.length;
  }

  start();
  return {
    ...{ netns, from, to },
    get firewall() {
      return firewall;
    },
    get kernel() {
      return kernel;
    },
    enter(state, taken) {
      const changes = computeChanges(now, state);
      now = state;
      return apply(firewall.apply(changes), taken);
    },
    configure: (other) => apply(firewall.setConfig(other)),
    restart(state) {
      kernel.close();
      start();
      firewall.apply(computeChanges(emptyState, state));
      now = state;
    },
    close: () => kernel.close(),
  };
}
