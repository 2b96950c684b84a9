// A kind of policy, and the kind of the same policy on trial, which is made from it: its table, its label and its annotation
// (Calico v3.33, api/pkg/apis/projectcalico/v3/stagednetworkpolicy.go).
import { choice } from '../../schema/scalars.ts';
import { type Between, between, createdFrom, type Fields, filled, type Schema } from '../../schema/schema.ts';
import { formatFloat } from '../meta/cells.ts';
import { type Column, defineKind, type Kind, type KindParts } from '../meta/kind.ts';
import type { Metadata, Resource } from '../meta/resource.ts';
import { directions, inferTypes } from './policy-fields.ts';

/** The label that every stored policy carries: its tier. */
const LABEL_TIER = 'projectcalico.org/tier';
/** The annotation that every stored policy carries and no reader sees: the name as the user gave it. */
export const ANNOTATION_METADATA = 'projectcalico.org/metadata';

interface PolicySpec {
  readonly tier: string;
  readonly order?: number | undefined;
  readonly selector?: string | undefined;
}

function sorted(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface Tiered {
  readonly metadata: Metadata;
  readonly spec: { readonly tier: string };
}

/** With the forced label and annotation, as they are stored. */
function withMarks<P extends Tiered>(policy: P): P {
  const { metadata } = policy;
  const labels = sorted({ ...metadata.labels, [LABEL_TIER]: policy.spec.tier });
  const named = JSON.stringify({ name: metadata.name });
  const annotations = sorted({ ...metadata.annotations, [ANNOTATION_METADATA]: named });
  return { ...policy, metadata: { ...metadata, labels, annotations } };
}

/** Without the annotation. */
function withoutMarks<P extends Tiered>(policy: P): P {
  const { annotations, ...metadata } = policy.metadata;
  if (annotations === undefined || annotations[ANNOTATION_METADATA] === undefined) return policy;
  const { [ANNOTATION_METADATA]: _removed, ...others } = annotations;
  return {
    ...policy,
    metadata: Object.keys(others).length === 0 ? metadata : { ...metadata, annotations: others },
  };
}

/** NAME, TIER, ORDER and SELECTOR; `<nil>` for no order, as Calico prints it. */
const columns: readonly Column<Resource<PolicySpec>>[] = [
  { heading: 'NAME', value: (policy) => policy.metadata.name },
  { heading: 'TIER', value: (policy) => policy.spec.tier },
  { heading: 'ORDER', value: ({ spec }) => (spec.order === undefined ? '<nil>' : formatFloat(spec.order)) },
  { heading: 'SELECTOR', value: (policy) => policy.spec.selector ?? '' },
];
const namespaceColumn: Column<Resource<PolicySpec>> = {
  heading: 'NAMESPACE',
  value: (policy) => policy.metadata.namespace ?? '',
};

/** What a kind of policy says for itself; `Spec` may be that of the policy on trial. */
export type PolicyParts<K extends string, Spec> = Pick<
  KindParts<K, Spec, undefined>,
  'name' | 'plural' | 'aliases' | 'namespaced' | 'doc' | 'names' | 'spec'
>;

export function definePolicy<const K extends string, Spec extends PolicySpec>(
  parts: PolicyParts<K, Spec>,
): Kind<Resource<Spec, undefined, K>> {
  return defineKind<K, Spec>({
    ...parts,
    inTier: true,
    columns: parts.namespaced === true ? [...columns, namespaceColumn] : columns,
    table: ['NAME', 'TIER'],
    wideTable: ['NAME', 'TIER', 'ORDER', 'SELECTOR'],
    toStored: withMarks,
    fromStored: withoutMarks,
  });
}

const stagedAction = filled(
  choice('Set', 'Delete', 'Learn', 'Ignore'),
  'Set',
  'What enforcing it would do to the policy of the same name.',
);
/** As for policies; nothing is inferred for a policy that is to be deleted. */
const stagedTypes = createdFrom(
  directions,
  (before) => (before.stagedAction === 'Delete' ? undefined : inferTypes(before)),
  'as for policies',
  'The directions that the policy applies to.',
);

type StagedFields<F extends Fields> = { readonly stagedAction: typeof stagedAction } & Omit<F, 'types'> & {
    readonly types: typeof stagedTypes;
  };

/** The fields of a policy with those that it has on trial. */
export function stagedFields<F extends Fields>(fields: F): StagedFields<F> {
  return { stagedAction, ...fields, types: stagedTypes };
}

interface Staged {
  readonly stagedAction: string;
  readonly [field: string]: unknown;
}

/** A policy that is to be deleted says nothing but its tier; `fields` are those of the policy. */
export function onlyTierBesideDelete(fields: Fields): Between<Staged> {
  const others = Object.keys(fields).filter((name) => name !== 'tier');
  return between(['stagedAction'], (spec, report, isPresent) => {
    if (spec.stagedAction !== 'Delete') return;
    for (const name of others) if (isPresent(name)) report(name, 'nothing beside stagedAction Delete');
  });
}

/** The kind of a policy on trial, which is called like the policy and is stored, shown and named as that is. */
export function defineStagedPolicy<const K extends string, Spec extends PolicySpec>(
  { name, plural, doc: _doc, aliases: _aliases, ...parts }: PolicyParts<K, unknown>,
  { spec, aliases }: { readonly spec: Schema<Spec>; readonly aliases: readonly string[] },
): Kind<Resource<Spec, undefined, `Staged${K}`>> {
  return definePolicy({
    ...parts,
    name: `Staged${name}` as const,
    plural: `staged${plural}`,
    aliases,
    doc: `A ${name} on trial: calculated and counted at its place, and not enforced.`,
    spec,
  });
}
