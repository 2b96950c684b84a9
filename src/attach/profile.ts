// The profile that a network gets with its first container: all of the network may come in, everything may go out (Calico
// v3.33, cni-plugin/pkg/plugin/plugin.go).
import { randomUUID } from 'node:crypto';
import { printTime } from '../blocks/block.ts';
import { printKey } from '../datastore/keys.ts';
import { printResource } from '../datastore/resource/resource-codec.ts';
import type { TransactionBuilder } from '../ipam/transaction-builder.ts';
import { API_VERSION } from '../model/meta/resource.ts';
import type { Profile } from '../model/policy/profile.ts';

function createNetworkProfile(network: string): Profile {
  return {
    kind: 'Profile',
    apiVersion: API_VERSION,
    metadata: { name: network },
    spec: {
      ingress: [{ action: 'Allow', source: { selector: `has(${network})` } }],
      egress: [{ action: 'Allow' }],
      labelsToApply: { [network]: '' },
    },
  };
}

/** A profile that is there is never changed: it is the user's. */
export async function buildProfile(builder: TransactionBuilder, network: string, nowMs: number): Promise<void> {
  const key = printKey({ kind: 'resource', resourceKind: 'Profile', namespace: undefined, name: network });
  if ((await builder.getLikelyAbsent(key)) !== undefined) return;
  const profile = createNetworkProfile(network);
  const metadata = { ...profile.metadata, uid: randomUUID(), creationTimestamp: printTime(nowMs) };
  builder.put(key, printResource({ ...profile, metadata }));
}
