// wait: until a resource is there, is gone, or has a value somewhere.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import type { Datastore } from '../../datastore/port.ts';
import type { Kind } from '../../model/meta/kind.ts';
import type { Resource } from '../../model/meta/resource.ts';
import { flagValue, type Handler } from '../cli/command.ts';
import { parseWaitMs, sleep } from '../cli/time.ts';
import { printJsonPath } from '../output/jsonpath.ts';
import { namespaceFor, parseKindArgument, withStore } from '../store/context.ts';
import { fetchOne } from '../store/stored.ts';

type Condition =
  | { readonly kind: 'create' | 'delete' }
  | { readonly kind: 'jsonpath'; readonly template: string; readonly value: string | undefined };

/** How often the store is asked. */
const POLL_MS = 200;
const DEFAULT_TIMEOUT = '30s';

function parseCondition(text: string): Condition {
  if (text === 'create' || text === 'delete') return { kind: text };
  const match = /^jsonpath=(\{[\s\S]*\})(?:=([\s\S]*))?$/.exec(text);
  if (match !== null) {
    printJsonPath(match[1] ?? '', {}); // one that is no path is reported now, not when there is something to look at
    return { kind: 'jsonpath', template: match[1] ?? '', value: match[2] };
  }
  throw new OcicatError('invalid', `wait --for "${text}": wanted create, delete or jsonpath={PATH}=VALUE`);
}

function holds(condition: Condition, resource: Resource | undefined): boolean {
  if (condition.kind !== 'jsonpath') return (resource === undefined) === (condition.kind === 'delete');
  if (resource === undefined) return false;
  const text = printJsonPath(condition.template, resource).trimEnd();
  return condition.value === undefined ? text !== '' : text === condition.value;
}

async function tryFetch(
  datastore: Datastore,
  kind: Kind,
  namespace: string | undefined,
  name: string,
  signal: AbortSignal,
) {
  try {
    return (await fetchOne(datastore, kind, namespace, name, signal)).resource;
  } catch (error) {
    if (isOcicatError(error, 'not-found')) return undefined;
    throw error;
  }
}

export const runWait: Handler = async (invocation) => {
  const [word = '', name = ''] = invocation.operands;
  const kind = parseKindArgument(word);
  const namespace = namespaceFor(invocation, kind);
  const condition = parseCondition(flagValue(invocation, 'for') ?? 'create');
  const timeout = flagValue(invocation, 'timeout') ?? DEFAULT_TIMEOUT;
  const deadline = Date.now() + parseWaitMs(timeout, -1); // 0 looks once
  return withStore(invocation, async (datastore) => {
    while (!invocation.signal.aborted) {
      const resource = await tryFetch(datastore, kind, namespace, name, invocation.signal);
      if (holds(condition, resource)) {
        invocation.stdio.write(`${kind.name.toLowerCase()}/${name} condition met\n`);
        return 0;
      }
      if (Date.now() >= deadline) break;
      await sleep(POLL_MS, invocation.signal);
    }
    throw new OcicatError('timeout', `wait for ${kind.name} "${name}": not within ${timeout}`);
  });
};
