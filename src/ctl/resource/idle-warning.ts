// Says once for a command what of the resources that it writes has no effect here, though it is stored.
import { findIdle } from '../../model/idle/idle.ts';
import type { IdleMark } from '../../model/idle/idle-mark.ts';
import { formatResourceId, type Resource } from '../../model/meta/resource.ts';
import type { Stdio } from '../cli/command.ts';
import type { Item } from '../manifest/manifest.ts';

/** So many resources are named; the others are counted. */
const MAX_RESOURCES = 20;

interface Idle {
  readonly item: Item;
  readonly marks: readonly IdleMark[];
}

/** `HostEndpoint(eth0): policy of …`, `BGPPeer(rack): spec.password, as …`. */
function formatIdle({ item, marks }: Idle): string {
  const reasons = Map.groupBy(marks, ({ why }) => why);
  const fields = [...reasons].map(([why, alike]) => {
    const paths = alike.map(({ path }) => path).filter((path) => path !== '');
    return paths.length === 0 ? why : `${paths.join(', ')} (${why})`;
  });
  return `  ${formatResourceId(item.resource)}: ${fields.join('; ')}\n`;
}

/** With `before`, the resource as it stood, of what has changed alone. */
export function warnOfIdle({ writeError }: Stdio, items: readonly Item[], before?: Resource): void {
  const idle = items.flatMap((item): readonly Idle[] => {
    const marks = findIdle(item.kind, item.resource, before);
    return marks.length === 0 ? [] : [{ item, marks }];
  });
  if (idle.length === 0) return;
  const rest = idle.length > MAX_RESOURCES ? `  and ${idle.length - MAX_RESOURCES} more resources\n` : '';
  writeError(
    `warning: stored, and without effect here:\n${idle.slice(0, MAX_RESOURCES).map(formatIdle).join('')}${rest}`,
  );
}
