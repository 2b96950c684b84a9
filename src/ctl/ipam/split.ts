// ipam split: a pool becomes smaller pools of equal size; addresses in use stay where they are.
import { OcicatError } from '../../base/errors.ts';
import type { Datastore } from '../../datastore/port.ts';
import { createMany, deleteResource, updateResource } from '../../datastore/resource/resources.ts';
import { type IPPool, ipPool } from '../../model/ipam/ip-pool.ts';
import { type Cidr, formatCidr, parseCidr } from '../../net/cidr.ts';
import { addToIp, bitsOf, familyOf } from '../../net/ip.ts';
import { dryRunNote, flagValue, type Handler, type Invocation } from '../cli/command.ts';
import { toStorable } from '../resource/write.ts';
import { withStore } from '../store/context.ts';
import { isLocked } from '../store/datastore-lock.ts';
import { readPools } from './read.ts';

function parseCount(text: string): number {
  const count = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (count >= 2 && (count & (count - 1)) === 0) return count;
  throw new OcicatError('invalid', `split: number to split CIDR into is not a valid power of 2: ${text}`);
}

/** `count` ranges of equal size, in order. Throws `invalid` when they would not hold a block. */
export function splitRange(range: Cidr, count: number, blockSize: number): readonly Cidr[] {
  const prefixLength = range.prefixLength + Math.log2(count);
  if (prefixLength > blockSize) {
    throw new OcicatError(
      'invalid',
      `split ${formatCidr(range)}: ${count} parts would be smaller than its blocks of /${blockSize}`,
    );
  }
  const size = 2n ** BigInt(bitsOf(familyOf(range.address)) - prefixLength);
  return Array.from({ length: count }, (_, index) => ({
    address: addToIp(range.address, size * BigInt(index)),
    prefixLength,
  }));
}

async function findPool(datastore: Datastore, invocation: Invocation): Promise<IPPool> {
  const cidr = flagValue(invocation, 'cidr');
  const name = flagValue(invocation, 'name');
  if ((cidr === undefined) === (name === undefined))
    throw new OcicatError('invalid', 'split: wanted either --cidr or --name');
  const { resources, problems } = await readPools(datastore, invocation.signal);
  const pool = resources.find((one) => one.spec.cidr === cidr || one.metadata.name === name);
  if (pool === undefined)
    throw new OcicatError('not-found', [`split: there is no IPPool ${name ?? cidr}`, ...problems].join('; '));
  return pool;
}

function partsOf(pool: IPPool, count: number): readonly IPPool[] {
  const ranges = splitRange(parseCidr(pool.spec.cidr), count, pool.spec.blockSize);
  const { labels, annotations } = pool.metadata;
  return ranges.map((range, index) => ({
    ...pool,
    metadata: { name: `split-${pool.metadata.name}-${index}`, labels, annotations },
    spec: { ...pool.spec, cidr: formatCidr(range) },
  }));
}

/** Parts that an earlier, interrupted split made are taken as they are. */
async function createParts(datastore: Datastore, parts: readonly IPPool[], signal: AbortSignal): Promise<void> {
  const outcomes = await createMany(
    datastore,
    parts.map((resource) => toStorable({ kind: ipPool, resource })),
    signal,
  );
  for (const outcome of outcomes) {
    if (outcome.kind === 'failed' && outcome.error.code !== 'already-exists') throw outcome.error;
  }
}

export const runIpamSplit: Handler = (invocation) =>
  withStore(invocation, async (datastore) => {
    const { signal, stdio } = invocation;
    const count = parseCount(invocation.operands[0] ?? '');
    const pool = await findPool(datastore, invocation);
    const parts = partsOf(pool, count);
    if (!(await isLocked(datastore, signal))) {
      throw new OcicatError(
        'not-ready',
        'datastore is not locked. Run the `calicoctl datastore migrate lock` command in order split the IP pools',
      );
    }
    const { name } = pool.metadata;
    const disabled = { ...pool, spec: { ...pool.spec, disabled: true } };
    await updateResource(datastore, toStorable({ kind: ipPool, resource: disabled }), signal);
    await createParts(datastore, parts, signal);
    await deleteResource(datastore, { kind: 'IPPool', name }, signal);
    stdio.write(`IP Pool ${name} was successfully split into ${count} smaller pools.${dryRunNote(invocation)}\n`);
    for (const part of parts) stdio.write(`Created ${part.metadata.name} with CIDR ${part.spec.cidr}.\n`);
    stdio.write('Unlock the store with `calicoctl datastore migrate unlock`.\n');
    return 0;
  });
