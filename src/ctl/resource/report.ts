// How the outcome of writing resources is reported, in Calico's format (Calico v3.33,
// calicoctl/calicoctl/commands/common/resources.go).
import type { OcicatError } from '../../base/errors.ts';
import { formatResourceId } from '../../model/meta/resource.ts';
import { dryRunNote, type Invocation, type Stdio } from '../cli/command.ts';
import type { Item } from '../manifest/manifest.ts';

export type Verb = 'create' | 'apply' | 'replace' | 'delete' | 'validate';

/** What became of an item; `skipped` counts as done. */
export type Outcome =
  | { readonly kind: 'done' | 'skipped'; readonly item: Item }
  | { readonly kind: 'failed'; readonly item: Item; readonly error: OcicatError };

const PAST: Readonly<Record<Verb, string>> = {
  create: 'created',
  apply: 'applied',
  replace: 'replaced',
  delete: 'deleted',
  validate: 'validated',
};

/** `'Profile' ` when all items are of one kind, else nothing. */
function kindText(outcomes: readonly Outcome[]): string {
  const kinds = new Set(outcomes.map((outcome) => outcome.item.kind.name));
  return kinds.size === 1 ? `'${[...kinds].join()}' ` : '';
}

/** `Successfully applied 2 'Profile' resource(s)`. */
function formatSuccess(verb: Verb, count: number, kinds: string): string {
  return `Successfully ${PAST[verb]} ${count} ${kinds}resource(s)\n`;
}

/** Errors of the store concern whole transactions and name no resource; each is reported once, with the resources. */
function joinErrors(failed: readonly { readonly item: Item; readonly error: OcicatError }[]): string {
  const messages: string[] = [];
  const resources = new Map<string, string[]>();
  for (const { item, error } of failed) {
    const ofStore = error.code === 'unavailable' || error.code === 'denied';
    const named = ofStore ? resources.get(error.message) : undefined;
    if (named !== undefined) {
      named.push(formatResourceId(item.resource));
      continue;
    }
    messages.push(error.message);
    if (ofStore) resources.set(error.message, [formatResourceId(item.resource)]);
  }
  const parts = messages.map((message) => {
    const named = resources.get(message);
    return named === undefined ? message : `${message} (${named.join(', ')})`;
  });
  return `[${parts.join(' ')}]`;
}

/** Prints the outcomes of one command; returns the status. */
export function reportOutcomes(invocation: Invocation, verb: Verb, outcomes: readonly Outcome[]): number {
  const { stdio } = invocation;
  const failed = outcomes.filter((outcome) => outcome.kind === 'failed');
  const done = outcomes.length - failed.length;
  const kinds = kindText(outcomes);
  const note = dryRunNote(invocation);
  if (verb === 'delete') return reportDeletions(stdio, outcomes, failed, note);
  if (failed.length === 0) {
    stdio.write(formatSuccess(verb, done, kinds).replace('\n', `${note}\n`));
    return 0;
  }
  if (done > 0) {
    stdio.write(
      `Partial success: ${PAST[verb]} the first ${done} out of ${outcomes.length} ${kinds}resources:${note}\n`,
    );
    stdio.writeError(`hit error: ${joinErrors(failed)}\n`);
    return 1;
  }
  const object = outcomes.length === 1 ? `${kinds}resource` : `any ${kinds}resources`;
  stdio.writeError(`failed to ${verb} ${object}: ${joinErrors(failed)}\n`);
  return 1;
}

function reportDeletions(
  stdio: Stdio,
  outcomes: readonly Outcome[],
  failed: readonly { readonly item: Item; readonly error: OcicatError }[],
  note: string,
): number {
  const done = outcomes.filter((outcome) => outcome.kind !== 'failed');
  if (done.length > 0) stdio.write(formatSuccess('delete', done.length, kindText(done)).replace('\n', `${note}\n`));
  for (const { item, error } of failed) {
    stdio.writeError(`Failed to delete '${item.kind.name}' resource: ${error.message}\n`);
  }
  return failed.length === 0 ? 0 : 1;
}
