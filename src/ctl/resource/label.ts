// label: sets or removes one label of one resource.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import type { Datastore } from '../../datastore/port.ts';
import { updateResource } from '../../datastore/resource/resources.ts';
import type { Kind } from '../../model/meta/kind.ts';
import { isLabelValue, isQualifiedName } from '../../model/meta/names.ts';
import type { Resource } from '../../model/meta/resource.ts';
import { dryRunNote, flagOn, type Handler, type Invocation } from '../cli/command.ts';
import { namespaceFor, parseKindArgument, withStore } from '../store/context.ts';
import { retryConflict } from '../store/retry.ts';
import { fetchOne } from '../store/stored.ts';
import { checkAgainstStore } from './store-rules.ts';
import { toStorable } from './write.ts';

type Change =
  | { readonly kind: 'set'; readonly key: string; readonly value: string }
  | { readonly kind: 'remove'; readonly key: string };

function parseChange(text: string, remove: boolean): Change {
  const equals = text.indexOf('=');
  const key = equals < 0 ? text : text.slice(0, equals);
  const value = equals < 0 ? undefined : text.slice(equals + 1);
  if (!isQualifiedName(key)) throw new OcicatError('invalid', `label "${text}": "${key}" is no label name`);
  if (remove && value !== undefined) throw new OcicatError('invalid', `label "${text}": --remove takes a name alone`);
  if (remove) return { kind: 'remove', key };
  if (value === undefined) throw new OcicatError('invalid', `label "${text}": wanted NAME=VALUE, or --remove`);
  if (!isLabelValue(value)) throw new OcicatError('invalid', `label "${text}": "${value}" is no label value`);
  return { kind: 'set', key, value };
}

interface Labelled {
  readonly labels: Readonly<Record<string, string>>;
  /** What to say when it is done. */
  readonly message: string;
}

function applyChange(
  change: Change,
  labels: Readonly<Record<string, string>>,
  word: string,
  overwrite: boolean,
): Labelled {
  const { key } = change;
  const current = Object.hasOwn(labels, key) ? labels[key] : undefined;
  if (change.kind === 'remove') {
    if (current === undefined)
      throw new OcicatError('not-found', `cannot remove label of ${word}, key ${key} does not exist`);
    const { [key]: _removed, ...rest } = labels;
    return { labels: rest, message: `Successfully removed label ${key} from ${word}` };
  }
  if (current !== undefined && current !== change.value && !overwrite) {
    const hint = "please use '--overwrite' to set a new value";
    throw new OcicatError(
      'already-exists',
      `failed to update label of ${word}, key ${key} is already present. ${hint}`,
    );
  }
  const done = current === undefined ? 'set' : 'updated';
  return { labels: { ...labels, [key]: change.value }, message: `Successfully ${done} label ${key} on ${word}` };
}

async function fetchForChange(
  datastore: Datastore,
  invocation: Invocation,
  kind: Kind,
  name: string,
): Promise<Resource> {
  try {
    const shown = await fetchOne(datastore, kind, namespaceFor(invocation, kind), name, invocation.signal);
    return shown.resource;
  } catch (error) {
    if (isOcicatError(error, 'not-found'))
      throw new OcicatError('not-found', `${kind.name.toLowerCase()} ${name} not found`);
    throw error;
  }
}

export const runLabel: Handler = async (invocation) => {
  const [kindText = '', name = '', text = ''] = invocation.operands;
  const kind = parseKindArgument(kindText);
  if (kind.readOnly)
    throw new OcicatError('unsupported', `operation label is not supported on ${kind.name}: resource is readonly`);
  const change = parseChange(text, flagOn(invocation, 'remove'));
  return withStore(invocation, (datastore) =>
    retryConflict(async () => {
      const resource = await fetchForChange(datastore, invocation, kind, name);
      const labels = resource.metadata.labels ?? {};
      const done = applyChange(change, labels, `${kindText} ${name}`, flagOn(invocation, 'overwrite'));
      const changed = { ...resource, metadata: { ...resource.metadata, labels: done.labels } };
      const item = { kind, resource: changed };
      const [refusal] = await checkAgainstStore(datastore, [item], 'label', invocation.signal);
      if (refusal !== undefined) throw refusal;
      await updateResource(datastore, toStorable(item), invocation.signal);
      invocation.stdio.write(`${done.message}${dryRunNote(invocation)}\n`);
      return 0;
    }),
  );
};
