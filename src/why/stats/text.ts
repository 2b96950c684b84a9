// The counters of rules for people, as the rows of a table, and for programs.
import { formatSelector } from '../../selector/format.ts';
import { formatId } from '../cluster.ts';
import { formatRulePath } from '../reason.ts';
import type { StatsRow } from './rows.ts';

/** `Deny`, and for a policy on trial what it would do. */
function formatAction({ action, staged, rule }: StatsRow): string {
  if (action === undefined) return '?';
  if (action === 'next') return staged === 'set' ? 'no rule matches' : 'Pass';
  const name = action[0]?.toUpperCase() + action.slice(1);
  if (staged === 'set') return `would ${name}`;
  return staged === 'delete' && rule !== undefined ? `${name}, would be gone` : name;
}

function formatSubject({ id, tier }: StatsRow): string {
  if (id !== undefined) return formatId(id);
  return tier === undefined ? 'no policy, no profile' : 'no policy of the tier';
}

function formatOrder(order: number | undefined): string {
  return order === undefined || !Number.isFinite(order) ? '' : `${order}`;
}

const HEADINGS = ['DIRECTION', 'TIER', 'POLICY', 'RULE', 'NAME', 'ACTION', 'PACKETS', 'BYTES'];
const WIDE_HEADINGS = ['ORDER', 'SELECTOR'];

function rowOf(row: StatsRow, wide: boolean): readonly string[] {
  const { direction, tier = '', policy, rule, note = '', packets, bytes } = row;
  const place = rule === undefined ? 'end' : `${rule}`;
  const more = [formatOrder(policy?.order), policy === undefined ? '' : formatSelector(policy.selector)];
  const cells = [direction, tier, formatSubject(row), place, note, formatAction(row), `${packets}`, `${bytes}`];
  return wide ? [...cells, ...more] : cells;
}

/** With its head. */
export function tableOfStats(rows: readonly StatsRow[], wide: boolean): readonly (readonly string[])[] {
  return [wide ? [...HEADINGS, ...WIDE_HEADINGS] : HEADINGS, ...rows.map((row) => rowOf(row, wide))];
}

/** A value to print as JSON or YAML; what is undefined in it is left out. */
export function describeStats(rows: readonly StatsRow[]) {
  return rows.map(({ direction, tier, id, policy, rule, note, action, staged, packets, bytes }) => ({
    direction,
    tier,
    policy: id,
    order: policy === undefined || !Number.isFinite(policy.order) ? undefined : policy.order,
    rule: rule === undefined ? undefined : formatRulePath(direction, rule),
    annotations: note,
    action: action === 'next' ? 'pass' : action,
    enforced: staged !== 'set',
    staged,
    packets,
    bytes,
  }));
}
