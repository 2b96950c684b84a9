// Renders host endpoints into the table as they and the host's interfaces change: the groups of their policies, and the chains
// and maps that lead to them.
import type { RulesetEditor } from '../nftables/editor.ts';
import type { Rule, Verdict } from '../nftables/nft.ts';
import type { PolicyPhase } from '../policy/types/input.ts';
import type { Direction, HostEndpointPolicy } from '../policy/types/types.ts';
import type { FirewallConfig } from './config.ts';
import { computeGroup, type Group } from './group.ts';
import { computeHostDispatch, type PhaseTargets } from './host/dispatch.ts';
import { computeFailsafeChains, computeFailsafeSets } from './host/failsafes.ts';
import {
  type AssignedHostEndpoint,
  assignHostEndpoints,
  describeAssignment,
  type HostAssignment,
  type InterfaceAddresses,
} from './host/interfaces.ts';
import { tryComputeQuestion } from './host/phases.ts';
import type { PolicyRenderer } from './policy-renderer.ts';

export interface HostRenderer {
  set(endpoint: HostEndpointPolicy): void;
  remove(id: string): void;
  /** Puts endpoints that lead to what the test is true of to letting failsafe ports through alone; their ids. */
  close(isLeading: (chain: string) => boolean): readonly string[];
  /** Takes those of them in again, as they are wanted. */
  reopen(isMeant: (endpoint: HostEndpointPolicy) => boolean): void;
  /** Those that are closed so. */
  closed(): readonly string[];
  setInterfaces(next: readonly InterfaceAddresses[]): void;
  /** Takes everything out of the table until `render`, which takes in again what was closed. */
  withdraw(): void;
  render(): void;
  /** By name. */
  all(): readonly AssignedHostEndpoint[];
}

/** Whose group it is: an endpoint has one for each phase. */
interface GroupUse {
  readonly group: Group;
  readonly endpoint: string;
  readonly user: string;
}

interface RenderedHosts {
  readonly groups: readonly GroupUse[];
  readonly chains: readonly string[];
  readonly sets: readonly string[];
}

const CLOSED = { closed: true, untracked: [], preDnat: [], forward: [], normal: [], profiles: [] } as const;
const NOTHING: RenderedHosts = { groups: [], chains: [], sets: [] };
const NO_TARGETS: PhaseTargets = { byInterface: new Map(), others: undefined };

/** Once one interface has a policy for a phase, each other with an endpoint of its own is led past that of all interfaces. */
function targetsOf(
  { byInterface, others }: HostAssignment,
  groupOf: (endpoint: HostEndpointPolicy) => Group | undefined,
): PhaseTargets {
  const fallback = others && groupOf(others);
  const groups = new Map([...byInterface].map(([name, endpoint]) => [name, groupOf(endpoint)]));
  if (fallback === undefined && [...groups.values()].every((group) => group === undefined)) return NO_TARGETS;
  const verdicts = [...groups].map(([name, group]): readonly [string, Verdict] => [
    name,
    group === undefined ? { kind: 'accept' } : { kind: 'goto', chain: group.name },
  ]);
  return { byInterface: new Map(verdicts), others: fallback?.name };
}

export function createHostRenderer(
  editor: RulesetEditor,
  policy: PolicyRenderer,
  config: () => FirewallConfig,
  passOf: (direction: Direction) => readonly Rule[],
): HostRenderer {
  const endpoints = new Map<string, HostEndpointPolicy>();
  const refused = new Set<string>();
  let interfaces: readonly InterfaceAddresses[] = [];
  let rendered = NOTHING;

  /** As they are rendered: one that the kernel refuses has nothing of its own. */
  const present = () => [...endpoints.values()].map((one) => (refused.has(one.id) ? { ...one, ...CLOSED } : one));
  const assignment = () => assignHostEndpoints(present(), interfaces, config().interfacePrefix);

  function erase({ chains, sets }: RenderedHosts): void {
    for (const name of chains) editor.removeChain(name);
    for (const name of sets) editor.removeSet(name);
  }

  /** All but what is in the other as well. */
  function release({ groups }: RenderedHosts, kept: RenderedHosts): void {
    const isKept = ({ group, user }: GroupUse) =>
      kept.groups.some((one) => one.user === user && one.group.name === group.name);
    for (const use of groups) if (!isKept(use)) policy.releaseGroup(use.group, use.user);
  }

  /** Retains what it leads to. */
  function put(): RenderedHosts {
    const assigned = assignment();
    const groups: GroupUse[] = [];
    const groupFor = (phase: PolicyPhase, direction: Direction) => (endpoint: HostEndpointPolicy) => {
      const question = tryComputeQuestion(endpoint, phase, direction);
      if (question === undefined) return undefined;
      const { tiers, profiles, ...frame } = question;
      const group = computeGroup(direction, tiers, profiles, frame);
      const user = `${endpoint.id} ${phase}`;
      policy.retainGroup(group, user);
      groups.push({ group, endpoint: endpoint.id, user });
      return group;
    };
    const { interfacePrefix, denyAction, failsafes } = config();
    const targets = new Map<string, PhaseTargets>();
    const { chains, sets } = computeHostDispatch({
      targetsOf(phase, direction) {
        const key = `${phase} ${direction}`;
        const known = targets.get(key) ?? targetsOf(assigned, groupFor(phase, direction));
        targets.set(key, known);
        return known;
      },
      workloadPrefix: interfacePrefix,
      answers: denyAction === 'reject',
      passOf,
    });
    const all = {
      chains: [...computeFailsafeChains(failsafes), ...chains],
      sets: [...computeFailsafeSets(failsafes), ...sets],
    };
    for (const { spec, elements } of all.sets) {
      editor.addSet(spec);
      for (const [key, verdict] of elements) editor.setElement(spec.name, key, verdict);
    }
    for (const chain of all.chains) editor.setChain(chain);
    return { groups, chains: all.chains.map(({ name }) => name), sets: all.sets.map(({ spec }) => spec.name) };
  }

  function render(): void {
    const former = rendered;
    erase(former);
    const { byInterface, others } = assignment();
    rendered = byInterface.size === 0 && others === undefined ? NOTHING : put();
    release(former, rendered);
  }

  return {
    set(endpoint) {
      endpoints.set(endpoint.id, endpoint);
      refused.delete(endpoint.id);
      render();
    },
    remove(id) {
      refused.delete(id);
      if (endpoints.delete(id)) render();
    },
    close(isLeading) {
      const leading = rendered.groups.filter(({ group }) => isLeading(group.name)).map(({ endpoint }) => endpoint);
      const ids = [...new Set(leading)].filter((id) => !refused.has(id));
      for (const id of ids) refused.add(id);
      if (ids.length > 0) render();
      return ids;
    },
    reopen(isMeant) {
      const meant = [...endpoints.values()].filter((one) => refused.has(one.id) && isMeant(one));
      for (const { id } of meant) refused.delete(id);
      if (meant.length > 0) render();
    },
    closed: () => [...refused],
    setInterfaces(next) {
      interfaces = next;
      if (endpoints.size > 0) render();
    },
    withdraw() {
      erase(rendered);
      release(rendered, NOTHING);
      rendered = NOTHING;
      refused.clear();
    },
    render,
    all() {
      const all = present();
      return describeAssignment(all, assignHostEndpoints(all, interfaces, config().interfacePrefix));
    },
  };
}
