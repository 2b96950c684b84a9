// STATUS: whether an ADD with this configuration could be served now (CNI spec 1.1.0, "STATUS").
import { OcicatError } from '../base/errors.ts';
import { delegate } from '../cni/invoke/delegate.ts';
import { OWN_IPAM } from '../cni/spec/config.ts';
import { printKey } from '../datastore/keys.ts';
import { choosePools } from '../ipam/pool-choice.ts';
import { type CniTask, ensureReady } from './task.ts';

/** Throws when a family that is asked for has no pool to take addresses from. */
function requirePools({ context, request }: CniTask): void {
  const { ipv4, ipv6, ipv4Pools, ipv6Pools } = request.config.ipam;
  const view = context.memory.ipam;
  if (ipv4) choosePools(view, { family: 4, use: 'Workload', pools: ipv4Pools });
  if (ipv6) choosePools(view, { family: 6, use: 'Workload', pools: ipv6Pools });
}

/** Throws why ADD would fail. */
export async function reportStatus(task: CniTask): Promise<void> {
  const { context, request, call, signal } = task;
  const behind = context.whyBehind();
  if (behind !== undefined) throw new OcicatError('not-ready', `the agent does not follow the datastore: ${behind}`);
  await ensureReady(task);
  await context.datastore.get(printKey({ kind: 'ipam-config' }), signal);
  if (request.config.ipam.type === OWN_IPAM) requirePools(task);
  else await delegate(request, call, 'STATUS', signal);
}
