// get: shows resources as a table, as documents, or through a template.

import { isOcicatError } from '../../base/errors.ts';
import type { Datastore } from '../../datastore/port.ts';
import { getResource } from '../../datastore/resource/resources.ts';
import { bgpConfiguration, DEFAULT_AS_NUMBER } from '../../model/bgp/bgp-configuration.ts';
import type { Resource } from '../../model/meta/resource.ts';
import { parseStored } from '../../model/meta/stored.ts';
import { flagOn, flagValue, type Handler, type Invocation } from '../cli/command.ts';
import { namespaceFlag, withStore } from '../store/context.ts';
import { documentOf, type Output, parseOutput, printDocument, printNames, printTables } from './output.ts';
import { type Selected, type Selection, selectResources } from './select.ts';
import { reportNothing } from './write.ts';

/** The AS number of nodes without their own. */
export async function readAsNumber(datastore: Datastore, signal: AbortSignal): Promise<number> {
  try {
    const resource = await getResource(datastore, { kind: 'BGPConfiguration', name: 'default' }, signal);
    return parseStored(bgpConfiguration, resource).spec.asNumber || DEFAULT_AS_NUMBER;
  } catch (error) {
    if (isOcicatError(error, 'not-found', 'corrupt')) return DEFAULT_AS_NUMBER;
    throw error;
  }
}

/** Without what belongs to one cluster. */
export function exported(resource: Resource): Resource {
  const { namespace, uid, resourceVersion, creationTimestamp, ...metadata } = resource.metadata;
  return { ...resource, metadata };
}

/** --export concerns named resources only. */
function applyExport(selection: Selection): Selection {
  if (selection.kind === 'one') return { ...selection, resource: exported(selection.resource) };
  if (selection.kind === 'list') return selection;
  return {
    ...selection,
    resources: selection.resources.map(([kind, resource]) => [kind, exported(resource)] as const),
  };
}

/** Whether any table column asks for the AS number of the cluster. */
function needsAsNumber(selection: Selection, output: Output): boolean {
  const nodes = selection.kind === 'several' || selection.of.name === 'Node';
  return nodes && ((output.kind === 'table' && output.wide) || output.kind === 'columns');
}

async function printSelection(
  invocation: Invocation,
  datastore: Datastore,
  selection: Selection,
  output: Output,
): Promise<string> {
  switch (output.kind) {
    case 'table':
    case 'columns': {
      const asNumber = needsAsNumber(selection, output)
        ? await readAsNumber(datastore, invocation.signal)
        : DEFAULT_AS_NUMBER;
      const withNamespace = flagOn(invocation, 'all-namespaces') || namespaceFlag(invocation) !== undefined;
      return printTables(selection, { output, withNamespace, context: { asNumber } });
    }
    case 'yaml':
    case 'json':
      return printDocument(output.kind, documentOf(selection));
    case 'name':
      return printNames(selection);
    case 'jsonpath': {
      const { printJsonPath } = await import('../output/jsonpath.ts');
      return printJsonPath(output.template, documentOf(selection));
    }
    case 'go-template':
    case 'go-template-file': {
      const { printGoTemplate, readGoTemplate } = await import('../output/go-template.ts');
      const template = output.kind === 'go-template' ? output.template : await readGoTemplate(output.path);
      const asnumber = await readAsNumber(datastore, invocation.signal);
      return printGoTemplate(template, documentOf(selection), { asnumber });
    }
  }
}

/** What a template makes is for programs as well as for people. */
function writePrinted({ stdio }: Invocation, output: Output, text: string): void {
  const isTemplate = output.kind === 'jsonpath' || output.kind === 'go-template' || output.kind === 'go-template-file';
  if (isTemplate) stdio.writeExact(text);
  else stdio.write(text);
}

function printProblems(invocation: Invocation, selected: Selected): void {
  for (const warning of selected.warnings) invocation.stdio.writeError(`${warning}\n`);
  for (const error of selected.errors) invocation.stdio.writeError(`${error.message}\n`);
}

export const runGet: Handler = async (invocation) => {
  const output = parseOutput(flagValue(invocation, 'output') ?? 'ps');
  if (flagOn(invocation, 'watch')) {
    const { watchKind } = await import('./get-watch.ts');
    return watchKind(invocation, output);
  }
  return withStore(invocation, async (datastore) => {
    const selected = await selectResources(datastore, invocation);
    if (selected.selection === undefined) return reportNothing(invocation);
    const selection = flagOn(invocation, 'export') ? applyExport(selected.selection) : selected.selection;
    const empty = selection.kind === 'several' && selection.resources.length === 0;
    if (!empty) writePrinted(invocation, output, await printSelection(invocation, datastore, selection, output));
    printProblems(invocation, selected);
    return selected.errors.length === 0 ? 0 : 1;
  });
};
