// The profile that a network gets with its first container: all of the network may come in, everything may go out (Calico
// v3.33, cni-plugin/pkg/plugin/plugin.go), or, where it is internal, to its members alone.
import { randomUUID } from 'node:crypto';
import { OcicatError } from '../../base/errors.ts';
import { printTime } from '../../blocks/block.ts';
import { printKey } from '../../datastore/keys.ts';
import { parseResourceAt, printResource } from '../../datastore/resource/resource-codec.ts';
import type { TransactionBuilder } from '../../ipam/transaction-builder.ts';
import { API_VERSION } from '../../model/meta/resource.ts';
import { type Profile, profile as profileKind } from '../../model/policy/profile.ts';
import { INTERNAL_NETWORK } from './node-cache.ts';

/** What the profile is made for. */
interface ProfiledNetwork {
  readonly network: string;
  /** Its members reach each other and nobody else. */
  readonly isInternal: boolean;
}

function createNetworkProfile({ network, isInternal }: ProfiledNetwork): Profile {
  const members = { selector: `has(${network})` };
  return {
    kind: 'Profile',
    apiVersion: API_VERSION,
    metadata: { name: network, ...(isInternal ? { annotations: { [INTERNAL_NETWORK]: 'true' } } : {}) },
    spec: {
      ingress: [{ action: 'Allow', source: members }],
      egress: [{ action: 'Allow', ...(isInternal ? { destination: members } : {}) }],
      labelsToApply: { [network]: '' },
    },
  };
}

/** `standing` may be what is kept of it alone. */
function isOfInternal(key: string, standing: string): boolean {
  if (!standing.includes(INTERNAL_NETWORK)) return false;
  return parseResourceAt(profileKind, key, standing).metadata.annotations?.[INTERNAL_NETWORK] === 'true';
}

/** Whoever counts on an internal network must not come into one that others made open. */
function requireInternal(key: string, standing: string, network: string): void {
  if (isOfInternal(key, standing)) return;
  throw new OcicatError(
    'conflict',
    `join internal network "${network}": its profile "${network}" is not of an internal one, since the network was made otherwise before; delete the profile when nobody uses it, or annotate it ${INTERNAL_NETWORK}=true when its rules are what you want`,
  );
}

/** A profile that is there is never changed: it is the user's. Throws `conflict` where it is not of an internal network and is to be. */
export async function buildProfile(builder: TransactionBuilder, asked: ProfiledNetwork, nowMs: number): Promise<void> {
  const { network, isInternal } = asked;
  const key = printKey({ kind: 'resource', resourceKind: 'Profile', namespace: undefined, name: network });
  const standing = await builder.getLikelyAbsent(key);
  if (standing !== undefined) return isInternal ? requireInternal(key, standing, network) : undefined;
  const profile = createNetworkProfile(asked);
  const metadata = { ...profile.metadata, uid: randomUUID(), creationTimestamp: printTime(nowMs) };
  builder.put(key, printResource({ ...profile, metadata }));
}
