// StagedNetworkPolicy and StagedGlobalNetworkPolicy as stored: what they ask for on trial (Calico v3.33,
// api/pkg/apis/projectcalico/v3/stagednetworkpolicy.go, ConvertStagedPolicyToEnforced).
import { membersOf } from '../../schema/document.ts';
import type { PolicyInput } from '../types/input.ts';
import { parsePolicy } from './parse-policy.ts';
import { type Fields, get, report } from './read.ts';

/** `set`: this policy in the place of the one of its name; `delete`: none of its name; `ignore`: nobody is to look at it. */
export type StagedAction = 'set' | 'delete' | 'ignore';

const ACTIONS: ReadonlyMap<unknown, StagedAction> = new Map([
  ['', 'set'],
  ['Set', 'set'],
  ['Delete', 'delete'],
  ['Learn', 'ignore'],
  ['Ignore', 'ignore'],
]);

/** Undefined for a value that is none. */
export function readStagedAction(resource: unknown): StagedAction | undefined {
  return ACTIONS.get(membersOf(membersOf(resource)?.spec)?.stagedAction ?? '');
}

/** The policy that is calculated beside those that decide; undefined where none is set. */
export function parseStagedPolicy(resource: Fields, namespace: string | undefined): PolicyInput | undefined {
  const action = readStagedAction(resource.members);
  if (action === 'set') return parsePolicy(resource, namespace);
  const found = membersOf(get(resource, 'spec'))?.stagedAction;
  if (action === undefined)
    report(resource, 'spec.stagedAction', JSON.stringify(found), 'Set, Delete, Learn or Ignore');
  return undefined;
}
