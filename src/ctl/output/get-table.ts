// Resources as a table: the kind's columns, or those that the user names.

import { OcicatError } from '../../base/errors.ts';
import { type Columns, formatTable } from '../../cli/table.ts';
import type { Column, Kind, TableContext } from '../../model/meta/kind.ts';
import type { Resource } from '../../model/meta/resource.ts';

/** As Calico's tables are set, the last cell of a row too. */
export const CALICO_COLUMNS: Columns = { minWidth: 5, padding: 3, ends: 'padded' };

export interface TableShape {
  readonly columns: readonly Column<Resource>[];
}

const NAMESPACE: Column<Resource> = { heading: 'NAMESPACE', value: (resource) => resource.metadata.namespace ?? '' };

/** The columns of some headings, in any case. Throws `invalid`, naming the headings there are. */
export function chooseColumns(kind: Kind, headings: readonly string[], withNamespace: boolean): TableShape {
  const columns = headings.map((heading) => {
    const column = kind.columns.find((one) => one.heading === heading.toUpperCase());
    if (column !== undefined) return column;
    const valid = kind.columns.map((one) => one.heading).join(', ');
    throw new OcicatError('invalid', `unknown heading ${heading}, valid values are: ${valid}`);
  });
  const prefixed = withNamespace && kind.namespaced && !headings.includes('NAMESPACE');
  return { columns: prefixed ? [NAMESPACE, ...columns] : columns };
}

/** A resource that breaks the rules of its kind may lack what a column shows. */
function cellOf(column: Column<Resource>, resource: Resource, context: TableContext): string {
  try {
    return column.value(resource, context);
  } catch {
    return '?';
  }
}

/** The rows of a table, without its head. */
export function tableRows(
  shape: TableShape,
  resources: readonly Resource[],
  context: TableContext,
): readonly (readonly string[])[] {
  return resources.map((resource) => shape.columns.map((column) => cellOf(column, resource, context)));
}

/**
 * The text of a table, with an empty line after it; a kind with a bare table has neither that line nor blanks at the
 * ends of its lines.
 */
export function printTable(
  kind: Kind,
  shape: TableShape,
  resources: readonly Resource[],
  context: TableContext,
): string {
  const head = shape.columns.map((column) => column.heading);
  const text = formatTable(CALICO_COLUMNS, [head, ...tableRows(shape, resources, context)]);
  return kind.bareTable ? text.replace(/ +$/gm, '') : `${text}\n`;
}
