// Whether an ADD could be served now.
import { OcicatError } from '../base/errors.ts';
import { printKey } from '../datastore/keys.ts';
import { choosePools } from '../ipam/pool-choice.ts';
import { ensureReady, type Operation } from './operation.ts';
import type { StatusRequest } from './request.ts';

/** Throws when a family that is asked for has no pool to take addresses from. */
function requirePools({ context, request }: Operation<StatusRequest>): void {
  const { families, ipv4Pools, ipv6Pools } = request;
  const view = context.cache.ipam;
  const unmade = context.unmadeTunnels();
  for (const family of families)
    choosePools(view, { family, use: 'Workload', pools: family === 4 ? ipv4Pools : ipv6Pools, unmade });
}

/** Throws why ADD would fail. */
export async function reportStatus(operation: Operation<StatusRequest>): Promise<void> {
  const { context, request, signal } = operation;
  const behind = context.whyBehind();
  if (behind !== undefined) throw new OcicatError('not-ready', `the agent does not follow the datastore: ${behind}`);
  const cutOff = context.whyCutOff();
  if (cutOff !== undefined) throw new OcicatError('not-ready', cutOff);
  await ensureReady(context);
  await context.datastore.get(printKey({ kind: 'ipam-config' }), signal);
  if (request.provider === undefined) requirePools(operation);
  else await request.provider.status(signal);
}
