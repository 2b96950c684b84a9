// get --watch: what there is, then every change, until interrupted.
import { isOcicatError, OcicatError } from '../base/errors.ts';
import type { Datastore } from '../datastore/port.ts';
import { parseResourceKind } from '../datastore/resource-codec.ts';
import { listResources, type ResourceEvent, watchResources } from '../datastore/resources.ts';
import type { Kind } from '../model/kind.ts';
import type { Resource } from '../model/resource.ts';
import { flagOn, flagValue, flagValues, type Invocation } from './command.ts';
import { checkNamespaceFlags, DEFAULT_NAMESPACE, parseKindWord, withStore } from './context.ts';
import { readAsNumber } from './get.ts';
import { chooseColumns, tableRows } from './get-table.ts';
import { headingsFor, type Output, printDocument } from './output.ts';
import { showStored } from './stored.ts';
import { createRowWriter } from './tabwriter.ts';

/** Prints one state of a resource, or its end. */
type Printer = (resource: Resource, removed: boolean) => string;

interface Watching {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  /** Names to show; empty for all. */
  readonly names: readonly string[];
}

function parseWatching(invocation: Invocation): Watching {
  checkNamespaceFlags(invocation);
  const [word, ...names] = invocation.operands;
  if (word === undefined || flagValues(invocation, 'filename').length > 0) {
    throw new OcicatError('invalid', 'get --watch: needs a KIND, and no files');
  }
  const kind = parseKindWord(word);
  if (!kind.namespaced || flagOn(invocation, 'all-namespaces')) return { kind, namespace: undefined, names };
  return { kind, namespace: flagValue(invocation, 'namespace') ?? DEFAULT_NAMESPACE, names };
}

async function createPrinter(
  invocation: Invocation,
  datastore: Datastore,
  kind: Kind,
  output: Output,
): Promise<Printer> {
  if (output.kind === 'yaml') return (resource) => `---\n${printDocument('yaml', resource)}`;
  if (output.kind === 'json') return (resource) => printDocument('json', resource);
  if (output.kind === 'name') return (resource) => `${kind.name.toLowerCase()}/${resource.metadata.name}\n`;
  if (output.kind !== 'table' && output.kind !== 'columns') {
    throw new OcicatError('unsupported', 'get --watch: wanted a table, yaml, json or name as output');
  }
  const withNamespace = flagOn(invocation, 'all-namespaces') || flagValue(invocation, 'namespace') !== undefined;
  const shape = chooseColumns(kind, headingsFor(kind, output), withNamespace);
  const context = { asNumber: await readAsNumber(datastore, invocation.signal) };
  const write = createRowWriter();
  invocation.stdio.write(write(shape.columns.map((column) => column.heading)));
  return (resource, removed) => {
    const [row = []] = tableRows(shape, [resource], context);
    return write(removed ? [...row, '(deleted)'] : row);
  };
}

/** What the printer shows of an event; `known` holds the last state of every resource. */
function printEvent(watching: Watching, event: ResourceEvent, known: Map<string, Resource>, print: Printer): string {
  if (event.kind === 'unreadable') return '';
  const { name, namespace = '' } = event.kind === 'set' ? event.resource.metadata : event.name;
  if (watching.names.length > 0 && !watching.names.includes(name)) return '';
  const id = `${namespace}/${name}`;
  if (event.kind === 'set') {
    const { resource } = showStored(watching.kind, event.resource);
    known.set(id, resource);
    return print(resource, false);
  }
  const last = known.get(id);
  known.delete(id);
  return last === undefined ? '' : print(last, true);
}

/** One listing and the changes after it; returns when the signal fires, throws when the store must be listed again. */
async function watchOnce(
  invocation: Invocation,
  datastore: Datastore,
  watching: Watching,
  print: Printer,
  known: Map<string, Resource>,
) {
  const kindName = parseResourceKind(watching.kind.name);
  const listing = await listResources(datastore, kindName, watching.namespace, invocation.signal);
  for (const resource of listing.resources) {
    const { name, namespace = '', resourceVersion } = resource.metadata;
    if (known.get(`${namespace}/${name}`)?.metadata.resourceVersion === resourceVersion) continue;
    invocation.stdio.write(printEvent(watching, { kind: 'set', resource }, known, print));
  }
  const from = { revision: listing.revision + 1, cluster: listing.cluster };
  for await (const events of watchResources(datastore, kindName, watching.namespace, from, invocation.signal)) {
    for (const event of events) invocation.stdio.write(printEvent(watching, event, known, print));
  }
}

/** Runs until the signal fires; status 0. */
export async function watchKind(invocation: Invocation, output: Output): Promise<number> {
  const watching = parseWatching(invocation);
  await withStore(invocation, async (datastore) => {
    const print = await createPrinter(invocation, datastore, watching.kind, output);
    const known = new Map<string, Resource>();
    while (!invocation.signal.aborted) {
      try {
        await watchOnce(invocation, datastore, watching, print, known);
      } catch (error) {
        if (!isOcicatError(error, 'not-found', 'conflict', 'aborted')) throw error;
      }
    }
  });
  return 0;
}
