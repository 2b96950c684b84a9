// validate: reads what files hold and says what is wrong with it, without a store.
import type { Handler } from './command.ts';
import { reportOutcomes } from './report.ts';
import { readItems, reportNothing } from './write.ts';

export const runValidate: Handler = async (invocation) => {
  const items = await readItems(invocation);
  if (items.length === 0) return reportNothing(invocation);
  return reportOutcomes(
    invocation.stdio,
    'validate',
    items.map((item) => ({ kind: 'done', item })),
  );
};
