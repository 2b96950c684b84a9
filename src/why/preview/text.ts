// A comparison for people and for programs.
import { formatIp } from '../../net/ip.ts';
import type { PolicySnapshot } from '../../policy/oracle/snapshot.ts';
import type { FlowVerdict } from '../../policy/oracle/verdict.ts';
import { formatId } from '../cluster.ts';
import { formatReason } from '../reason.ts';
import type { EndpointKind } from './kinds-of-endpoints.ts';
import type { Change, Preview } from './preview.ts';
import { formatProbe } from './probes.ts';

/** Groups of changes; `-o json` has all. */
const MAX_SHOWN = 50;

function decidedBy({ allowed, egress, ingress }: FlowVerdict): string {
  if (egress.action === 'deny') return `at the source by ${formatReason(egress.reason, 'egress')}`;
  if (!allowed || egress.reason.kind === 'no-workload')
    return `at the destination by ${formatReason(ingress.reason, 'ingress')}`;
  return `${formatReason(egress.reason, 'egress')}, and ${formatReason(ingress.reason, 'ingress')}`;
}

function formatKind(kind: EndpointKind, place: 0 | 1, snapshot: PolicySnapshot): string {
  const id = kind[place] ?? kind[0];
  const addresses = (snapshot.endpoints.get(id)?.addresses ?? []).map(formatIp).join(', ');
  const others = kind.length - 1;
  return `${id} (${addresses})${others === 0 ? '' : `, and ${others} like it`}`;
}

/** Between the same kinds, by the same decision before and after. */
function groupKey({ from, to, before, after }: Change): string {
  return JSON.stringify([from[0], to[0], decidedBy(before), decidedBy(after)]);
}

function formatGroup(changes: readonly Change[], snapshot: PolicySnapshot): readonly string[] {
  const [one] = changes;
  if (one === undefined) return [];
  const packets = [...new Set(changes.map(({ probe }) => formatProbe(probe)))].join('; ');
  return [
    '',
    `${one.after.allowed ? 'now allowed' : 'now denied'}: ${packets}`,
    `  from    ${formatKind(one.from, 0, snapshot)}`,
    `  to      ${formatKind(one.to, one.from === one.to ? 1 : 0, snapshot)}`,
    `  before  ${one.before.allowed ? 'allowed' : 'denied'}, ${decidedBy(one.before)}`,
    `  after   ${one.after.allowed ? 'allowed' : 'denied'}, ${decidedBy(one.after)}`,
  ];
}

function formatHosts([first, ...others]: readonly string[]): readonly string[] {
  if (first === undefined) return [];
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return [`not compared: host endpoints, which it may be about: ${formatId(first)}${more}`];
}

function formatBounds({ pairs, hostEndpoints, probes, probesLeftOut }: Preview): readonly string[] {
  const left = pairs.all - pairs.compared;
  return [
    `tried: ${probes.map(formatProbe).join('; ')}`,
    ...(probesLeftOut === 0 ? [] : [`not tried: ${probesLeftOut} more ports and protocols that the rules name`]),
    ...(left === 0 ? [] : [`not compared: ${left} of ${pairs.all} pairs; there are too many kinds of endpoints`]),
    ...formatHosts(hostEndpoints),
  ];
}

/** Lines. `snapshot` is of the state after. */
export function formatPreview(preview: Preview, snapshot: PolicySnapshot): readonly string[] {
  const { changed, compared } = preview.pairs;
  const groups = [...Map.groupBy(preview.changes, groupKey).values()];
  const shown = groups.slice(0, MAX_SHOWN).flatMap((group) => formatGroup(group, snapshot));
  const hidden = groups.length - Math.min(groups.length, MAX_SHOWN);
  return [
    `${changed} of ${compared} pairs of endpoints would change`,
    ...formatBounds(preview),
    ...shown,
    ...(hidden === 0 ? [] : ['', `and ${hidden} more groups`]),
  ];
}

/** A value to print as JSON. */
export function describePreview({ changes, probes, pairs, hostEndpoints, probesLeftOut }: Preview) {
  return {
    pairs,
    tried: probes.map(formatProbe),
    notTried: probesLeftOut,
    hostEndpoints,
    changes: changes.map(({ probe, packet, from, to, before, after }) => ({
      packet: formatProbe(probe),
      source: formatIp(packet.source),
      destination: formatIp(packet.destination),
      from,
      to,
      before: { verdict: before.allowed ? 'allowed' : 'denied', by: decidedBy(before) },
      after: { verdict: after.allowed ? 'allowed' : 'denied', by: decidedBy(after) },
    })),
  };
}
