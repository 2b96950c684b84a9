// Random resources of which parts cannot be read.
import fc from 'fast-check';
import { type PolicyUpdate, UNKNOWN_PROFILE, UNKNOWN_TIER } from '../../../src/policy/types/input.ts';
import { policyCase } from './policy-cases.ts';

/** Something in the resource cannot be read. */
function spoil(update: PolicyUpdate): PolicyUpdate {
  if (update.kind === 'in-sync' || update.value === undefined) return update;
  switch (update.kind) {
    case 'endpoint':
      return { ...update, value: { ...update.value, profiles: [UNKNOWN_PROFILE, ...update.value.profiles] } };
    case 'network-set':
      return { ...update, value: { ...update.value, partial: true } };
    case 'profile':
      return { ...update, value: { ...update.value, labelsToApply: undefined } };
    case 'tier':
      return { ...update, value: { ...update.value, closed: true } };
    case 'policy':
      return { ...update, value: { ...update.value, tier: UNKNOWN_TIER } };
  }
}

/** As policyCase, with up to two resources of which parts cannot be read. */
export const spoiltCase: fc.Arbitrary<readonly PolicyUpdate[]> = fc
  .tuple(policyCase, fc.array(fc.nat(20), { maxLength: 2 }))
  .map(([updates, places]) => updates.map((update, index) => (places.includes(index) ? spoil(update) : update)));
