// Which pools a request may take addresses from, and why not when there are none. Rules: Calico's reference of IPPool
// (nodeSelector, allowedUses, assignmentMode, disabled).
import { OcicatError } from '../base/errors.ts';
import { formatCidr, parseCidr, sameCidr, tryParseCidr } from '../net/cidr.ts';
import type { Family } from '../net/ip.ts';
import { matchSelector } from '../selector/match.ts';
import type { Pool, PoolUse } from './pool.ts';
import type { IpamView } from './view.ts';

export interface PoolRequest {
  readonly family: Family;
  readonly use: PoolUse;
  /** Ranges or names of pools; empty: whatever selects this node. */
  readonly pools: readonly string[];
}

type Labels = ReadonlyMap<string, string>;

/** Outside Kubernetes a namespace has no labels. */
const NO_LABELS: Labels = new Map();

export function describePool(pool: Pool): string {
  return `"${pool.name}" (${formatCidr(pool.cidr)})`;
}

/** Asked for by range or name: selectors and the assignment mode do not matter. Throws `not-found`. */
function findPool(pools: readonly Pool[], family: Family, wanted: string): Pool {
  const cidr = tryParseCidr(wanted);
  const pool = pools.find((one) => (cidr === undefined ? one.name === wanted : sameCidr(one.cidr, parseCidr(wanted))));
  if (pool?.enabled !== true)
    throw new OcicatError('not-found', `the given pool (${wanted}) does not exist, or is not enabled`);
  if (pool.family === family) return pool;
  throw new OcicatError(
    'invalid',
    `the given pool (${wanted}) is an IPv${pool.family} pool, wanted an IPv${family} pool`,
  );
}

/** Why a pool gives nothing to a node that did not name it; undefined when it gives. */
function whyNot(pool: Pool, labels: Labels): string | undefined {
  if (!pool.enabled) return 'is disabled';
  if (!pool.automatic) return 'must be asked for';
  if (pool.encapsulation === 'ipip') return 'needs tunnels of IP-in-IP between hosts, which are not made';
  if (!matchSelector(pool.nodeSelector, labels)) return 'does not select the node';
  return matchSelector(pool.namespaceSelector, NO_LABELS) ? undefined : 'does not select its namespace';
}

/** Those that can work: enabled, automatic, without IP-in-IP, and selecting this node. Throws `not-found`. */
function selectPools(view: IpamView, family: Family): readonly Pool[] {
  const labels = view.nodeLabels();
  if (labels === undefined)
    throw new OcicatError('not-found', `choose IP pools for node "${view.nodeName}": the node is not in the datastore`);
  const all = view.pools().filter((pool) => pool.family === family);
  const selected = all.filter((pool) => whyNot(pool, labels) === undefined);
  if (selected.length > 0) return selected;
  const reasons = all.map((pool) => `${describePool(pool)} ${whyNot(pool, labels)}`);
  const why = all.length === 0 ? `there are no IPv${family} pools` : reasons.join(', ');
  throw new OcicatError('not-found', `no configured Calico pools for node ${view.nodeName}: ${why}`);
}

/** At least one pool, in the order in which to try them. Throws `not-found` or `invalid`. */
export function choosePools(view: IpamView, request: PoolRequest): readonly Pool[] {
  const pools =
    request.pools.length > 0
      ? request.pools.map((wanted) => findPool(view.pools(), request.family, wanted))
      : selectPools(view, request.family);
  const usable = pools.filter((pool) => pool.allowedUses.includes(request.use));
  if (usable.length > 0) return usable;
  throw new OcicatError(
    'not-found',
    `cannot find a qualified ippool, no pools match the required use (${request.use}): ${pools.map(describePool).join(', ')}`,
  );
}
