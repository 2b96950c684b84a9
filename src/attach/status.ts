// Whether an ADD could be served now: what it would ask is asked, an assignment of addresses is drafted, and nothing is kept.
import { isOcicatError, OcicatError } from '../base/errors.ts';
import { printKey } from '../datastore/keys.ts';
import { buildAssignment } from '../ipam/assign.ts';
import { createTransactionBuilder } from '../ipam/transaction-builder.ts';
import { ipamContextOf } from './assign-request.ts';
import { ensureReady, type Operation } from './operation.ts';
import type { StatusOutcome, StatusRequest } from './request.ts';
import { hasStale } from './stale-endpoints.ts';

/** A handle that no workload has. */
const NOBODY = 'status';

/** Throws when a family that is asked for has no pool, or none with an address that is free. */
async function draftAssignment({ context, request, signal }: Operation<StatusRequest>): Promise<void> {
  const { families, ipv4Pools, ipv6Pools } = request;
  const { datastore, cache } = context;
  const builder = createTransactionBuilder(datastore, { known: cache.known, mayGuess: false, signal });
  const asked = { families, ipv4Pools, ipv6Pools, unmade: context.unmadeTunnels() };
  const draft = { ...asked, handleId: NOBODY, attributes: {}, use: 'Workload' } as const;
  await buildAssignment(ipamContextOf(context, builder), draft);
}

/** What is remembered may be out of date, and what workloads that are gone hold can be had back, as ADD does. */
async function requireAddresses(operation: Operation<StatusRequest>): Promise<void> {
  try {
    await draftAssignment(operation);
  } catch (error) {
    if (!isOcicatError(error, 'exhausted')) throw error;
    if (hasStale(operation)) return;
    await operation.context.cache.refresh(operation.signal);
    await draftAssignment(operation);
  }
}

/** Throws why ADD would fail. */
export async function reportStatus(operation: Operation<StatusRequest>): Promise<StatusOutcome> {
  const { context, request, signal } = operation;
  const behind = context.whyBehind();
  if (behind !== undefined) throw new OcicatError('not-ready', `the agent does not follow the datastore: ${behind}`);
  const cutOff = context.whyCutOff();
  if (cutOff !== undefined) return { kind: 'limited', reason: cutOff };
  await ensureReady(context);
  await context.datastore.get(printKey({ kind: 'ipam-config' }), signal);
  if (request.provider === undefined) await requireAddresses(operation);
  else await request.provider.status(signal);
  return { kind: 'ready' };
}
