// The chains that the kernel calls for host endpoints, and the maps in them that lead each interface to its policy. They are
// there only while something asks for them: a host without host endpoints pays nothing.
import { bytesOfInterfaceName, hostBytesOfU32 } from '../../nftables/bytes.ts';
import type { BaseHook, Chain, NftSet, Rule, Statement, Verdict } from '../../nftables/nft.ts';
import { accept, goto, isInterface, isOwn, rule, verdictOf } from '../../nftables/statements.ts';
import type { PolicyPhase } from '../../policy/types/input.ts';
import type { Direction } from '../../policy/types/types.ts';
import { LOOPBACK } from './interfaces.ts';
import { ESTABLISHED_MAP, hostMap, INVALID_MAP } from './names.ts';

/**
 * A bit of the packet mark that is ours, the same as Calico's for this purpose: a policy that decides early has allowed the
 * packet, and later ones of host endpoints are not asked.
 */
export const ALLOWED_MARK = 0x10000;

/** Where packets of a phase go, by interface. */
export interface PhaseTargets {
  readonly byInterface: ReadonlyMap<string, Verdict>;
  /** The chain for all other interfaces; undefined: nothing is asked of them. */
  readonly others: string | undefined;
}

interface HostHook {
  readonly name: string;
  readonly phase: PolicyPhase;
  readonly direction: Direction;
  readonly hook: BaseHook['hook'];
  readonly priority: number;
}

/** Before connection tracking (-200); before destinations are translated (-100); about the filters of workloads. */
const HOOKS: readonly HostHook[] = [
  { name: 'base-host-raw-in', phase: 'untracked', direction: 'ingress', hook: 'prerouting', priority: -300 },
  { name: 'base-host-raw-out', phase: 'untracked', direction: 'egress', hook: 'output', priority: -300 },
  { name: 'base-host-prerouting', phase: 'pre-dnat', direction: 'ingress', hook: 'prerouting', priority: -150 },
  { name: 'base-host-forward-in', phase: 'forward', direction: 'ingress', hook: 'forward', priority: -3 },
  { name: 'base-host-forward-out', phase: 'forward', direction: 'egress', hook: 'forward', priority: -1 },
  { name: 'base-host-input', phase: 'normal', direction: 'ingress', hook: 'input', priority: -1 },
  { name: 'base-host-output', phase: 'normal', direction: 'egress', hook: 'output', priority: -1 },
  { name: 'base-host-postrouting', phase: 'normal', direction: 'egress', hook: 'postrouting', priority: -1 },
];

export interface DispatchContext {
  readonly targetsOf: (phase: PolicyPhase, direction: Direction) => PhaseTargets;
  readonly workloadPrefix: string;
  /** A deny may answer, which the kernel cannot do when a packet is about to leave. */
  readonly answers: boolean;
  /** What passes between hosts ahead of their policies. */
  readonly passOf: (direction: Direction) => readonly Rule[];
}

const isAllowed: Statement = { kind: 'mark-is', bits: ALLOWED_MARK };
const forget: Statement = { kind: 'mark-clear', bits: ALLOWED_MARK };
const isTranslated: Statement = { kind: 'destination-translated' };

function isUsed({ byInterface, others }: PhaseTargets): boolean {
  return byInterface.size > 0 || others !== undefined;
}

/** The mark, which others may have set before the first chain and must not find after the last one. */
function markRules({ phase, direction, hook }: HostHook, decidesEarly: boolean): readonly Rule[] {
  if (!decidesEarly || hook === 'postrouting') return [];
  if (phase === 'untracked') return [rule([forget])];
  if (phase === 'pre-dnat') return [rule([isAllowed, accept])];
  return phase === 'forward' && direction === 'egress' ? [] : [rule([isAllowed, forget, accept])];
}

/** Those that the interface of the packet leads to. */
function dispatchRules(
  { phase, direction }: HostHook,
  { others }: PhaseTargets,
  workloadPrefix: string,
): readonly Rule[] {
  const field = direction === 'ingress' ? 'iifname' : 'oifname';
  const isWorkload: Statement = { kind: 'name-prefix', field, value: workloadPrefix };
  const named = rule([verdictOf([field], hostMap(phase, direction))]);
  if (others === undefined) return [named];
  return [
    named,
    rule([isInterface(field, LOOPBACK), accept]),
    ...(phase === 'normal' ? [rule([isWorkload, accept])] : []),
    rule([goto(others)]),
  ];
}

/**
 * The interface by which the host's own packets leave is known for certain only when their destination has been translated
 * (Calico v3.33, felix/rules/static.go), and so is asked then.
 */
function rulesOf(
  hook: HostHook,
  targets: PhaseTargets,
  decidesEarly: boolean,
  context: DispatchContext,
): readonly Rule[] {
  const dispatch = dispatchRules(hook, targets, context.workloadPrefix);
  if (hook.hook === 'postrouting') return dispatch.map(({ statements }) => rule([isOwn, isTranslated, ...statements]));
  const isLater = hook.hook === 'output' && hook.phase === 'normal' && !context.answers;
  const pass = hook.phase === 'normal' ? context.passOf(hook.direction) : [];
  return [...markRules(hook, decidesEarly), ...pass, ...(isLater ? [rule([isTranslated, accept])] : []), ...dispatch];
}

function mapOf(phase: PolicyPhase, direction: Direction, { byInterface }: PhaseTargets): NftSet {
  return {
    spec: { name: hostMap(phase, direction), key: ['ifname'], interval: false, verdicts: true },
    elements: new Map([...byInterface].map(([name, verdict]) => [bytesOfInterfaceName(name), verdict])),
  };
}

function statesMap(name: string, states: readonly number[], verdict: Verdict): NftSet {
  return {
    spec: { name, key: ['ct_state'], interval: false, verdicts: true },
    elements: new Map(states.map((state) => [hostBytesOfU32(state), verdict])),
  };
}

/** By the bits of the kernel's connection states: invalid, established, related. */
const stateMaps: readonly NftSet[] = [
  statesMap(INVALID_MAP, [1], { kind: 'drop' }),
  statesMap(ESTABLISHED_MAP, [2, 4], { kind: 'accept' }),
];

/** What is to be there; the chains that it leads to are others'. */
export function computeHostDispatch(context: DispatchContext): {
  readonly chains: readonly Chain[];
  readonly sets: readonly NftSet[];
} {
  const { targetsOf, answers } = context;
  const earlyOnes = [
    targetsOf('untracked', 'ingress'),
    targetsOf('untracked', 'egress'),
    targetsOf('pre-dnat', 'ingress'),
  ];
  const decidesEarly = earlyOnes.some(isUsed);
  const hooks = HOOKS.filter(({ phase, direction, hook }) => {
    if (hook === 'postrouting' && answers) return false;
    return isUsed(targetsOf(phase, direction)) || (decidesEarly && phase !== 'pre-dnat');
  });
  const maps = new Map(
    hooks.map(({ phase, direction }) => [
      hostMap(phase, direction),
      mapOf(phase, direction, targetsOf(phase, direction)),
    ]),
  );
  const chains = hooks.map((hook): Chain => {
    const { name, hook: at, priority } = hook;
    const rules = rulesOf(hook, targetsOf(hook.phase, hook.direction), decidesEarly, context);
    return { name, base: { type: 'filter', hook: at, priority }, rules };
  });
  return { chains, sets: [...stateMaps, ...maps.values()] };
}
