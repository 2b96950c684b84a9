// Which rows are asked for: those of policies and profiles by name, or all.
import { OcicatError } from '../../base/errors.ts';
import type { RuleListId } from '../../policy/types/types.ts';
import type { Cluster } from '../cluster.ts';
import { formatId } from '../cluster.ts';
import type { StatsRow } from './rows.ts';

export interface StatsChoice {
  /** `<name>` or `<namespace>/<name>`; none: all. */
  readonly names: readonly string[];
  readonly namespace: string | undefined;
}

export interface ChosenStats {
  readonly rows: readonly StatsRow[];
  /** What is asked for by name and is not in this host's kernel, for people. */
  readonly missing: readonly string[];
}

function isCalled(id: RuleListId, name: string): boolean {
  const [, namespace = '', ...rest] = id.split('/');
  return rest.join('/') === name || (namespace !== '' && `${namespace}/${rest.join('/')}` === name);
}

function isIn(id: RuleListId, namespace: string | undefined): boolean {
  return namespace === undefined || id.split('/')[1] === namespace;
}

/** All that have rules, or stand for the absence of some. */
function idsOf({ snapshot, staged }: Cluster): readonly RuleListId[] {
  const profiles = [...snapshot.profiles.keys()].map((name) => `Profile//${name}`);
  return [...snapshot.policies.keys(), ...staged.map(({ id }) => id), ...profiles];
}

/** Throws `not-found` for a name that none of the ids has. */
function findIds(names: readonly string[], ids: readonly RuleListId[]): ReadonlySet<RuleListId> {
  const found = names.flatMap((name) => {
    const called = ids.filter((id) => isCalled(id, name));
    if (called.length > 0) return called;
    throw new OcicatError('not-found', `find policy "${name}": no policy and no profile is called that`);
  });
  return new Set(found);
}

function describeMissing(id: RuleListId, { staged }: Cluster): string {
  const isDeletion = staged.some((one) => one.id === id && one.action === 'delete');
  const why = isDeletion
    ? 'has no rules: it stands for the absence of the policy of its name'
    : 'has no rules of its own in the kernel: no endpoint of this host is under it, or others match all that its rules do';
  return `${formatId(id)} ${why}`;
}

/** Throws `not-found` for a name that no policy and no profile has. */
export function chooseStats(
  all: readonly StatsRow[],
  { names, namespace }: StatsChoice,
  cluster: Cluster,
): ChosenStats {
  const rows = all.filter(({ id }) => namespace === undefined || (id !== undefined && isIn(id, namespace)));
  if (names.length === 0) return { rows, missing: [] };
  const held = new Set(rows.flatMap(({ id }) => id ?? []));
  const wanted = findIds(
    names,
    [...new Set([...idsOf(cluster), ...held])].filter((id) => isIn(id, namespace)),
  );
  return {
    rows: rows.filter(({ id }) => id !== undefined && wanted.has(id)),
    missing: [...wanted].filter((id) => !held.has(id)).map((id) => describeMissing(id, cluster)),
  };
}
