// An explanation for people: the verdict in a line, then the two walks.
import { formatIp } from '../net/ip.ts';
import { hasPorts } from '../net/protocol.ts';
import type { Packet } from '../policy/oracle/packet.ts';
import type { PolicyPhase } from '../policy/types/input.ts';
import { formatSelector } from '../selector/format.ts';
import { type Cluster, formatId } from './cluster.ts';
import { formatProtocol } from './conditions.ts';
import type { Explanation, StagedOutcome, Verdicts } from './explain.ts';
import { isAsked, type KernelAnswers } from './kernel.ts';
import { formatReason, formatRulePath, formatVerdict, resourceOf } from './reason.ts';
import { type End, isHostEndpoint } from './resolve.ts';
import type { ProfileStep, RuleStep, RulesStep, TierStep, Walk } from './walk.ts';
import type { WayWalk } from './way.ts';

/** Rules that do not match, of one policy or profile; `-o json` has all. */
const MAX_RULES_SHOWN = 20;

/** `TCP 192.168.0.1 to 192.168.0.2 port 80`. */
function formatPacket({ source, destination, protocol, destinationPort, icmpType, icmpCode }: Packet): string {
  const ends = `${formatIp(source)} to ${formatIp(destination)}`;
  const port = hasPorts(protocol) ? ` port ${destinationPort}` : '';
  const icmp = icmpType === undefined ? '' : ` type ${icmpType} code ${icmpCode ?? 0}`;
  return `${formatProtocol(protocol)} ${ends}${port}${icmp}`;
}

/** Where it is denied first, and why. */
function formatDenial({ egress, onTheWay, ingress }: Verdicts): string {
  if (egress.action === 'deny') return `at the source by ${formatReason(egress.reason, 'egress')}`;
  const between = onTheWay.find(({ action }) => action === 'deny');
  if (between === undefined) return `at the destination by ${formatReason(ingress.reason, 'ingress')}`;
  return `on the way, at host ${between.host}, by ${formatReason(between.reason, between.direction)}`;
}

function formatHeadline({ flow, allowed, egress, ingress, way }: Explanation): string {
  const packet = formatPacket(flow.packet);
  if (allowed) return `allowed: ${packet}`;
  const onTheWay = way.walks.map((walk) => ({ ...walk, ...walk.verdict }));
  return `denied: ${packet}, ${formatDenial({ egress: egress.verdict, ingress: ingress.verdict, onTheWay })}`;
}

/** The conditions that are not met, or may not be; of a rule that matches, those that are. */
function formatRule({ index, action, matched, conditions, comment }: RuleStep, walk: Walk): string {
  const wanted = conditions.filter(({ holds }) => holds === matched || matched === true);
  const listed = wanted.map(({ field, wanted: value }) => `${field} ${value}`).join('; ');
  const outcome = matched === true ? 'matches' : matched === false ? 'no match' : 'may match, for all that can be read';
  const name = action[0]?.toUpperCase() + action.slice(1);
  const note = comment === undefined ? '' : ` (${comment})`;
  return `      ${formatRulePath(walk.direction, index)} ${name}: ${outcome}${listed === '' ? '' : `: ${listed}`}${note}`;
}

function formatRules({ rules, total, decision }: RulesStep, walk: Walk): readonly string[] {
  if (total === 0) return [`      it has no ${walk.direction} rules`];
  const shown = rules.filter(
    ({ index, matched }, place) => place < MAX_RULES_SHOWN || matched !== false || index === decision?.rule,
  );
  const hidden = rules.length - shown.length;
  const lines = shown.map((rule) => formatRule(rule, walk));
  return hidden === 0 ? lines : [...lines, `      and ${hidden} more that do not match`];
}

const TIER_ENDS: Readonly<Record<TierStep['end'], string | undefined>> = {
  allow: undefined,
  deny: undefined,
  pass: 'passed on by a Pass rule',
  'default-deny': 'no rule matches: the tier ends in deny',
  'default-pass': 'no rule matches: the tier passes on',
};

const PHASE_NAMES: Readonly<Record<PolicyPhase, string>> = {
  untracked: ', untracked policies',
  'pre-dnat': ', policies before address translation',
  forward: ', policies of what is forwarded',
  normal: '',
};

function formatOrder(order: number): string {
  return Number.isFinite(order) ? `, order ${order}` : '';
}

function formatTier(step: TierStep, walk: Walk): readonly string[] {
  const order = step.order === undefined ? ', which does not exist' : formatOrder(step.order);
  const phase = step.phase === undefined ? '' : PHASE_NAMES[step.phase];
  const policies = step.policies.flatMap((policy) => [
    `    ${formatId(policy.id)}${formatOrder(policy.order)}, for ${formatSelector(policy.selector)}`,
    ...formatRules(policy, walk),
  ]);
  const end = TIER_ENDS[step.end];
  return [`  tier "${step.tier}"${order}${phase}`, ...policies, ...(end === undefined ? [] : [`    ${end}`])];
}

function formatProfile(step: ProfileStep, walk: Walk): readonly string[] {
  if (!step.exists) return [`  profile "${step.profile}", which does not exist`];
  return [`  profile "${step.profile}"`, ...formatRules(step, walk)];
}

function formatLabels({ labels, source }: Pick<Explanation, 'labels'> & { readonly source: boolean }): string {
  const { labels: list, open } = source ? labels.source : labels.destination;
  const texts = list.map(({ name, value, profile }) => {
    const origin = profile === undefined ? '' : ` (of profile ${profile})`;
    return `${name}=${value}${origin}`;
  });
  return [...texts, ...(open ? ['and others that cannot be read'] : [])].join(', ') || 'none';
}

function describeEnd(end: End, cluster: Cluster): string {
  const { endpoint, host } = end;
  if (endpoint === undefined) return host === undefined ? 'no endpoint has this address' : `host ${host}`;
  if (isHostEndpoint(endpoint)) return `${formatId(endpoint)}${host === undefined ? '' : ` on ${host}`}`;
  const workload = cluster.workloads.get(endpoint);
  return `WorkloadEndpoint(${endpoint}) on ${workload?.node ?? ''}, interface ${workload?.interfaceName ?? ''}`;
}

function formatAnnotations(walk: Walk, cluster: Cluster): readonly string[] {
  const annotations = Object.entries(cluster.annotations.get(resourceOf(walk.verdict.reason) ?? '') ?? {});
  return annotations.map(([key, value]) => `  annotation ${key}=${value}`);
}

/** Nothing of an end where nobody enforces anything. */
function formatKernel(walk: Walk, kernel: KernelAnswers): readonly string[] {
  const answer = kernel[walk.direction];
  if (!isAsked(walk, answer)) return [];
  if (answer.kind === 'unknown') return [`  kernel: not asked: ${answer.why}`];
  const { verdict, rule } = answer.judgement;
  const where = rule === undefined ? '' : `, chain "${rule.chain}", rule ${rule.index + 1}`;
  const counted = answer.packets === undefined ? '' : `, which has counted ${answer.packets} packets`;
  const note = rule?.comment === undefined ? '' : ` (${rule.comment})`;
  return [
    `  kernel: ${answer.agrees ? 'agrees' : 'DISAGREES'}: ${verdict} in table inet ocicat${where}${counted}${note}`,
  ];
}

function formatWalk(walk: Walk, explanation: Explanation, cluster: Cluster, kernel: KernelAnswers): readonly string[] {
  const isSource = walk.direction === 'egress';
  const { flow } = explanation;
  const end = isSource ? flow.source : flow.destination;
  const address = formatIp(isSource ? flow.packet.source : flow.packet.destination);
  const labels = walk.endpoint === undefined ? [] : [`  labels: ${formatLabels({ ...explanation, source: isSource })}`];
  return [
    '',
    `${walk.direction} of the ${isSource ? 'source' : 'destination'} ${address}: ${formatVerdict(walk.verdict, walk.direction)}`,
    `  ${describeEnd(end, cluster)}`,
    ...labels,
    ...walk.tiers.flatMap((step) => formatTier(step, walk)),
    ...walk.profiles.flatMap((step) => formatProfile(step, walk)),
    ...formatAnnotations(walk, cluster),
    ...formatKernel(walk, kernel),
  ];
}

/** A host endpoint between the ends. */
function formatWayWalk(walk: WayWalk, cluster: Cluster): readonly string[] {
  return [
    '',
    `${walk.direction} of host ${walk.host}, on the way: ${formatVerdict(walk.verdict, walk.direction)}`,
    `  ${formatId(walk.endpoint)} on ${walk.host}`,
    ...walk.tiers.flatMap((step) => formatTier(step, walk)),
    ...formatAnnotations(walk, cluster),
  ];
}

function formatOutcome(outcome: StagedOutcome): string {
  return outcome.allowed ? 'allowed' : `denied, ${formatDenial(outcome)}`;
}

function formatStaged(explanation: Explanation): readonly string[] {
  if (explanation.staged.length === 0) return [];
  const lines = explanation.staged.map((outcome) => {
    const still = outcome.allowed === explanation.allowed ? 'still ' : '';
    return `  ${formatId(outcome.id)}: ${still}${formatOutcome(outcome)}`;
  });
  return ['', 'if a staged policy were enforced', ...lines];
}

/** What may deny the packet, or not. */
function formatUnjudged({ way: { unjudged } }: Explanation): readonly string[] {
  if (unjudged.length === 0) return [];
  const names = unjudged.map(formatId).join(', ');
  return [
    '',
    `not judged: ${names}, which say different things; the store does not say which of them the packet passes`,
  ];
}

/** Lines. */
export function formatExplanation(
  explanation: Explanation,
  cluster: Cluster,
  kernel: KernelAnswers,
): readonly string[] {
  return [
    formatHeadline(explanation),
    ...formatWalk(explanation.egress, explanation, cluster, kernel),
    ...explanation.way.walks.flatMap((walk) => formatWayWalk(walk, cluster)),
    ...formatWalk(explanation.ingress, explanation, cluster, kernel),
    ...formatStaged(explanation),
    ...formatUnjudged(explanation),
  ];
}
