// get --watch: what there is, then every change, until interrupted.

import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { createRowWriter } from '../../cli/table.ts';
import type { Datastore } from '../../datastore/port.ts';
import { parseResourceKind } from '../../datastore/resource/resource-codec.ts';
import { listResources, type ResourceEvent, watchResources } from '../../datastore/resource/resources.ts';
import type { Kind } from '../../model/meta/kind.ts';
import type { Resource } from '../../model/meta/resource.ts';
import { flagOn, flagValues, type Invocation } from '../cli/command.ts';
import { CALICO_COLUMNS, chooseColumns, tableRows } from '../output/get-table.ts';
import { checkNamespaceFlags, namespaceFlag, namespaceFor, parseKindArgument, withStore } from '../store/context.ts';
import { showStored } from '../store/stored.ts';
import { exported, readAsNumber } from './get.ts';
import { headingsFor, type Output, printDocument, printName } from './output.ts';

interface Printer {
  /** What comes first, once; the resources that there are decide how wide columns are. */
  begin(resources: readonly Resource[]): string;
  /** One state of a resource, or its end. */
  show(resource: Resource, removed: boolean): string;
}

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
  const kind = parseKindArgument(word);
  const all = kind.namespaced && flagOn(invocation, 'all-namespaces');
  return { kind, namespace: all ? undefined : namespaceFor(invocation, kind), names };
}

function plainPrinter(show: (resource: Resource) => string): Printer {
  return { begin: () => '', show };
}

/** --export concerns named resources only. */
function exporting(print: Printer): Printer {
  return { ...print, show: (resource, removed) => print.show(exported(resource), removed) };
}

async function createPrinter(
  invocation: Invocation,
  datastore: Datastore,
  kind: Kind,
  output: Output,
): Promise<Printer> {
  if (output.kind === 'yaml') return plainPrinter((resource) => `---\n${printDocument('yaml', resource)}`);
  if (output.kind === 'json') return plainPrinter((resource) => printDocument('json', resource));
  if (output.kind === 'name') {
    return plainPrinter((resource) => printName(kind, resource.metadata.name));
  }
  if (output.kind !== 'table' && output.kind !== 'columns') {
    throw new OcicatError('unsupported', 'get --watch: wanted a table, yaml, json or name as output');
  }
  const withNamespace = flagOn(invocation, 'all-namespaces') || namespaceFlag(invocation) !== undefined;
  const shape = chooseColumns(kind, headingsFor(kind, output), withNamespace);
  const context = { asNumber: await readAsNumber(datastore, invocation.signal) };
  const writer = createRowWriter({ ...CALICO_COLUMNS, ends: 'trimmed' });
  let begun = false;
  return {
    begin(resources) {
      if (begun) return '';
      begun = true;
      writer.widen(tableRows(shape, resources, context));
      return writer.write(shape.columns.map((column) => column.heading));
    },
    show(resource, removed) {
      const [row = []] = tableRows(shape, [resource], context);
      return writer.write(removed ? [...row, '(deleted)'] : row);
    },
  };
}

function isMeant(watching: Watching, name: string): boolean {
  return watching.names.length === 0 || watching.names.includes(name);
}

function idOf({ metadata: { namespace = '', name } }: Pick<Resource, 'metadata'>): string {
  return `${namespace}/${name}`;
}

/** What the printer shows of an event; `known` holds the last state of every resource. */
function printEvent(watching: Watching, event: ResourceEvent, known: Map<string, Resource>, print: Printer): string {
  if (event.kind === 'unreadable') return '';
  const { name, namespace = '' } = event.kind === 'set' ? event.resource.metadata : event.name;
  if (!isMeant(watching, name)) return '';
  const id = `${namespace}/${name}`;
  if (event.kind === 'set') {
    const { resource } = showStored(watching.kind, event.resource);
    known.set(id, resource);
    return print.show(resource, false);
  }
  const last = known.get(id);
  known.delete(id);
  return last === undefined ? '' : print.show(last, true);
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
  const shown = listing.resources.filter((one) => isMeant(watching, one.metadata.name));
  invocation.stdio.write(print.begin(shown.map((one) => showStored(watching.kind, one).resource)));
  for (const resource of listing.resources) {
    if (known.get(idOf(resource))?.metadata.resourceVersion === resource.metadata.resourceVersion) continue;
    invocation.stdio.write(printEvent(watching, { kind: 'set', resource }, known, print));
  }
  const present = new Set(listing.resources.map(idOf));
  for (const [id, last] of known) {
    if (present.has(id)) continue;
    known.delete(id);
    invocation.stdio.write(print.show(last, true));
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
    const plain = await createPrinter(invocation, datastore, watching.kind, output);
    const isExport = flagOn(invocation, 'export') && watching.names.length > 0;
    const print = isExport ? exporting(plain) : plain;
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
