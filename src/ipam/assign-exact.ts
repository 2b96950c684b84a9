// One certain address, asked for by name (Calico v3.33, cni-plugin/pkg/ipamplugin/ipam_plugin.go).
import { OcicatError } from '../base/errors.ts';
import { assignExact } from '../blocks/assign.ts';
import { type Attribute, blockCidrOf, createBlock } from '../blocks/block.ts';
import { cidrContains, cidrFamily, formatCidr } from '../net/cidr.ts';
import { familyOf, formatIp, type Ip } from '../net/ip.ts';
import { type AssignContext, type Assigned, countAddress } from './assign-context.ts';
import { blockKey, isOwn, keepBlock, tryReadBlock } from './own-block.ts';
import type { Pool } from './pool.ts';
import { describePool, requireMade } from './pool-choice.ts';

function describeHolder(holder: Attribute): string {
  if (holder.releasedAt !== undefined) return `cooling down since ${holder.releasedAt}`;
  const node = holder.secondary?.node;
  return `held by "${holder.handleId ?? 'nobody known'}"${node === undefined ? '' : ` on node "${node}"`}`;
}

/** Throws `not-found` in no pool, `denied` in a pool for other uses, `not-ready` in one without a way to other hosts. */
function poolOf({ view, request }: AssignContext, ip: Ip): Pool {
  const pool = view.pools().find((one) => one.enabled && cidrContains(one.cidr, ip));
  if (pool === undefined) {
    const usable = (one: Pool) => one.enabled && one.allowedUses.includes(request.use);
    const pools = view.pools().filter((one) => usable(one) && cidrFamily(one.cidr) === familyOf(ip));
    const known = pools.length === 0 ? 'none' : pools.map(describePool).join(', ');
    throw new OcicatError(
      'not-found',
      `assign address "${formatIp(ip)}": The provided IP address is not in a configured pool; there are ${known}`,
    );
  }
  requireMade(pool, request);
  if (pool.allowedUses.includes(request.use)) return pool;
  const uses = pool.allowedUses.join(' ');
  throw new OcicatError(
    'denied',
    `IP address ${formatIp(ip)} is in IP pool "${pool.name}", which is not allowed for use "${request.use}" (allowedUses: [${uses}])`,
  );
}

/** Throws `denied` for an address that is kept back, unless whoever asks knows that. */
function requireUnreserved({ view, request }: AssignContext, ip: Ip): void {
  if (request.allowsReserved === true) return;
  for (const { name, ranges } of view.reservations()) {
    const range = ranges.find((one) => cidrContains(one, ip));
    if (range === undefined) continue;
    throw new OcicatError(
      'denied',
      `assign address "${formatIp(ip)}": reserved by IPReservation "${name}" (${formatCidr(range)}); to have it all the same, say ALLOW_RESERVED=true beside IP=, or "allow_reserved": true in the network's "ipam"`,
    );
  }
}

/** Node selectors and the limit on blocks do not matter: somebody asked for the address by name. */
export async function takeExact(context: AssignContext, ip: Ip): Promise<Assigned> {
  const { view, builder, nowMs } = context;
  const cidr = blockCidrOf(ip, poolOf(context, ip).blockPrefixLength);
  requireUnreserved(context, ip);
  const name = formatCidr(cidr);
  const text = await builder.get(blockKey(name));
  const block = text === undefined ? createBlock(cidr, view.nodeName, nowMs) : tryReadBlock(context, name, text);
  if (block === undefined)
    throw new OcicatError('corrupt', `assign address "${formatIp(ip)}": its block "${name}" cannot be understood`);
  if (view.settings().strictAffinity && block.affinity !== undefined && !isOwn(view, block))
    throw new OcicatError(
      'denied',
      `assign address "${formatIp(ip)}": its block is "${block.affinity}"'s and affinity is strict`,
    );
  const outcome = assignExact(block, ip, context.holder);
  if (outcome.kind === 'taken')
    throw new OcicatError(
      'conflict',
      `assign address "${formatIp(ip)}": already assigned, ${describeHolder(outcome.holder)}`,
    );
  if (outcome.kind === 'outside')
    throw new OcicatError('internal', `assign address "${formatIp(ip)}": not in its block`);
  await keepBlock(context, outcome.block);
  await countAddress(context, name);
  return { ip, prefixLength: familyOf(ip) === 4 ? 32 : 128 };
}
