// datastore migrate-policy-names: policies that older Calico stored as `default.NAME` get the name that users gave them.
import { OcicatError } from '../../base/errors.ts';
import type { Datastore } from '../../datastore/port.ts';
import {
  parseResourceKind,
  printResource,
  printResourceKey,
  type StoredResource,
} from '../../datastore/resource/resource-codec.ts';
import { listResources } from '../../datastore/resource/resources.ts';
import { policyKinds } from '../../model/kinds.ts';
import { type Kind, readResource } from '../../model/meta/kind.ts';
import { formatResourceName, nameOf } from '../../model/meta/resource.ts';
import { ANNOTATION_METADATA } from '../../model/policy/policy-kind.ts';
import { dryRunNote, type Handler } from '../cli/command.ts';
import { withStore } from '../store/context.ts';
import { toStorable } from './write.ts';

const PREFIX = 'default.';

/** The name that a policy is to have; undefined for one that has it. Newer policies say in an annotation what theirs is. */
function wantedName({ metadata, spec }: StoredResource): string | undefined {
  const tier = spec.tier ?? 'default';
  if (tier !== 'default' || !metadata.name.startsWith(PREFIX)) return undefined;
  if (metadata.annotations?.[ANNOTATION_METADATA] !== undefined) return undefined;
  return metadata.name.slice(PREFIX.length);
}

/** As it is stored under its new name. Throws `corrupt` for a policy that breaks the rules of its kind. */
function renamed(kind: Kind, policy: StoredResource, name: string): string {
  const { resourceVersion, ...metadata } = policy.metadata;
  const result = readResource(kind, { ...policy, metadata: { ...metadata, name } }, 'stored');
  if (result.kind === 'valid') return printResource(toStorable({ kind, resource: result.value }));
  throw new OcicatError('corrupt', `rename ${formatResourceName(nameOf(policy))}: it breaks the rules of its kind`);
}

/** The old and the new one never stand side by side, nor is there a moment with neither. Throws `conflict`. */
async function rename(
  datastore: Datastore,
  kind: Kind,
  policy: StoredResource,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const old = printResourceKey(nameOf(policy));
  const fresh = printResourceKey({ ...nameOf(policy), name });
  const conditions = [
    { key: old, modRevision: Number(policy.metadata.resourceVersion) },
    { key: fresh, modRevision: 0 },
  ];
  const writes = [
    { kind: 'put', key: fresh, value: renamed(kind, policy, name) },
    { kind: 'delete', key: old },
  ] as const;
  const result = await datastore.commit({ conditions, writes }, signal);
  if (result.kind === 'committed') return;
  const id = formatResourceName(nameOf(policy));
  const why = result.current[1] === undefined ? 'it was changed meanwhile' : `there is a policy "${name}" already`;
  throw new OcicatError('conflict', `rename ${id}: ${why}`);
}

async function renameKind(datastore: Datastore, kind: Kind, signal: AbortSignal): Promise<number> {
  const { resources } = await listResources(datastore, parseResourceKind(kind.name), undefined, signal);
  let count = 0;
  for (const policy of resources) {
    const name = wantedName(policy);
    if (name === undefined) continue;
    await rename(datastore, kind, policy, name, signal);
    count += 1;
  }
  return count;
}

/** What is renamed before a failure stays renamed; running it again does the rest. */
export const runMigratePolicyNames: Handler = (invocation) =>
  withStore(invocation, async (datastore) => {
    let count = 0;
    for (const kind of policyKinds) count += await renameKind(datastore, kind, invocation.signal);
    const note = dryRunNote(invocation);
    invocation.stdio.write(`Policy name migration complete, migrated ${count} policies${note}.\n`);
    return 0;
  });
