// An explanation for programs: the same as JSON.
import { formatIp } from '../net/ip.ts';
import type { Direction } from '../policy/types/types.ts';
import { formatSelector } from '../selector/format.ts';
import type { Cluster } from './cluster.ts';
import { formatProtocol } from './conditions.ts';
import type { Explanation } from './explain.ts';
import { isAsked, type KernelAnswer, type KernelAnswers } from './kernel.ts';
import { formatRulePath, resourceOf } from './reason.ts';
import type { End } from './resolve.ts';
import type { RulesStep, Walk, WalkVerdict } from './walk.ts';

function describeReason(reason: WalkVerdict['reason'], direction: Direction) {
  return 'rule' in reason ? { ...reason, path: formatRulePath(direction, reason.rule) } : reason;
}

function describeVerdict({ action, reason }: WalkVerdict, direction: Direction) {
  return { action, reason: describeReason(reason, direction) };
}

function finite(order: number | undefined): number | undefined {
  return order === undefined || !Number.isFinite(order) ? undefined : order;
}

function describeRules({ rules }: RulesStep, direction: Direction) {
  return rules.map(({ index, action, matched, conditions, comment }) => ({
    path: formatRulePath(direction, index),
    action,
    matched: matched ?? null,
    conditions: conditions.map(({ field, wanted, holds }) => ({ field, wanted, holds: holds ?? null })),
    comment,
  }));
}

function describeKernel(answer: KernelAnswer) {
  if (answer.kind === 'unknown') return { agrees: null, why: answer.why };
  return {
    agrees: answer.agrees,
    verdict: answer.judgement.verdict,
    rule: answer.judgement.rule,
    packets: answer.packets,
  };
}

function describeWalk(walk: Walk, cluster: Cluster, kernel: KernelAnswers | undefined) {
  const { direction, verdict } = walk;
  const answer = kernel?.[direction];
  return {
    ...describeVerdict(verdict, direction),
    kernel: answer !== undefined && isAsked(walk, answer) ? describeKernel(answer) : undefined,
    annotations: cluster.annotations.get(resourceOf(verdict.reason) ?? ''),
    tiers: walk.tiers.map(({ tier, phase, order, defaultAction, policies, end }) => ({
      tier,
      phase,
      order: finite(order),
      defaultAction,
      end,
      policies: policies.map((policy) => ({
        policy: policy.id,
        order: finite(policy.order),
        selector: formatSelector(policy.selector),
        rules: describeRules(policy, direction),
      })),
    })),
    profiles: walk.profiles.map((step) => ({
      profile: step.profile,
      exists: step.exists,
      rules: describeRules(step, direction),
    })),
  };
}

function describeEnd(
  { endpoint, host }: End,
  address: string,
  labels: Explanation['labels']['source'],
  cluster: Cluster,
) {
  const workload = cluster.workloads.get(endpoint ?? '');
  return {
    address,
    endpoint,
    host,
    node: workload?.node,
    interface: workload?.interfaceName,
    labels: endpoint === undefined ? undefined : labels.labels,
  };
}

/** A value to print as JSON; what is undefined in it is left out. */
export function describeExplanation(explanation: Explanation, cluster: Cluster, kernel: KernelAnswers) {
  const { flow, allowed, egress, ingress, way, labels, staged } = explanation;
  const { source, destination, protocol, sourcePort, destinationPort, icmpType, icmpCode } = flow.packet;
  return {
    verdict: allowed ? 'allowed' : 'denied',
    ipVersion: flow.family,
    protocol: formatProtocol(protocol),
    ...{ sourcePort, port: destinationPort, icmpType, icmpCode },
    source: describeEnd(flow.source, formatIp(source), labels.source, cluster),
    destination: describeEnd(flow.destination, formatIp(destination), labels.destination, cluster),
    egress: describeWalk(egress, cluster, kernel),
    onTheWay: way.walks.map((walk) => ({
      ...{ host: walk.host, endpoint: walk.endpoint, direction: walk.direction },
      ...describeWalk(walk, cluster, undefined),
    })),
    ingress: describeWalk(ingress, cluster, kernel),
    staged: staged.map((one) => ({
      policy: one.id,
      verdict: one.allowed ? 'allowed' : 'denied',
      egress: describeVerdict(one.egress, 'egress'),
      onTheWay: one.onTheWay.map(({ host, endpoint, direction, ...verdict }) => ({
        ...{ host, endpoint, direction },
        ...describeVerdict(verdict, direction),
      })),
      ingress: describeVerdict(one.ingress, 'ingress'),
    })),
    unjudged: way.unjudged,
  };
}
