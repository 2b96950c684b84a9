// What a call asks address assignment for.
import type { AssignRequest } from '../ipam/assign.ts';
import type { Draft } from '../ipam/draft.ts';
import type { Surroundings } from '../ipam/own-block.ts';
import { siblingAddresses } from './siblings.ts';
import { type CniTask, type Commits, handleOf } from './task.ts';

/** Go's time.String(), as Calico notes it with an address. */
export function formatGoTime(timeMs: number): string {
  const [date = '', time = ''] = new Date(timeMs).toISOString().slice(0, -1).split('T');
  return `${date} ${time.replace(/\.?0*$/, '')} +0000 UTC`;
}

export function assignRequestOf(task: CniTask): AssignRequest {
  const { config, environment } = task.request;
  const siblings = siblingAddresses(task, environment.interfaceName);
  const { ipv4, ipv6, ipv4Pools, ipv6Pools } = config.ipam;
  return {
    handleId: handleOf(config.name, environment.containerId),
    words: { node: task.context.nodeName, timestamp: formatGoTime(task.context.now()) },
    use: 'Workload',
    families: [...(ipv4 ? [4 as const] : []), ...(ipv6 ? [6 as const] : [])],
    exact: config.wishes.addresses,
    ipv4Pools,
    ipv6Pools,
    isSame: (_words, ip) => !siblings.has(ip),
  };
}

export function surroundingsOf({ context }: Pick<Commits, 'context'>, draft: Draft): Surroundings {
  return {
    view: context.memory.ipam,
    draft,
    nowMs: context.now(),
    report: (error) => context.log.error('assign address', error),
  };
}
