// An affinity: the record, beside the block, that a host prefers it (Calico v3.33,
// libcalico-go/lib/backend/model/block_affinity.go).
import { OcicatError } from '../base/errors.ts';
import { printJson } from '../base/json.ts';
import { parseFields } from './handle.ts';

/** `confirmed` for old records without a state. */
export type AffinityState = 'pending' | 'confirmed' | 'pendingDeletion';

/** Throws `corrupt`. */
export function parseAffinity(text: string): AffinityState {
  const { state = '' } = parseFields('affinity', text);
  if (state === 'pending' || state === 'confirmed' || state === 'pendingDeletion') return state;
  if (state === '' || state === null) return 'confirmed';
  throw new OcicatError('corrupt', `parse affinity: state is ${printJson(state)}`);
}

export function printAffinity(state: AffinityState): string {
  return printJson({ state, deleted: false });
}
