// validate: reads what files hold and says what is wrong with it, without a store.
import { OcicatError } from '../../base/errors.ts';
import type { Handler } from '../cli/command.ts';
import { namespaceFlag } from '../store/context.ts';
import { warnOfIdle } from './idle-warning.ts';
import { type Outcome, reportOutcomes } from './report.ts';
import { readItems, reportNothing, withNamespace } from './write.ts';

export const runValidate: Handler = async (invocation) => {
  const items = await readItems(invocation);
  if (items.length === 0) return reportNothing(invocation);
  const namespace = namespaceFlag(invocation);
  warnOfIdle(invocation.stdio, items);
  const outcomes = items.map((item): Outcome => {
    const placed = withNamespace(item, namespace);
    return placed instanceof OcicatError ? { kind: 'failed', item, error: placed } : { kind: 'done', item };
  });
  return reportOutcomes(invocation, 'validate', outcomes);
};
