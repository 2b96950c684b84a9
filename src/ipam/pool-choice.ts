// Which pools a request may take addresses from, and why not when there are none. Rules: Calico's reference of IPPool
// (nodeSelector, allowedUses, assignmentMode, disabled).
import { OcicatError } from '../base/errors.ts';
import { type Cidr, cidrCovers, formatCidr, maskCidr, sameCidr, tryParseCidr } from '../net/cidr.ts';
import type { Family } from '../net/ip.ts';
import { matchSelector } from '../selector/match.ts';
import type { Pool, PoolUse } from './pool.ts';
import type { IpamView } from './view.ts';

export interface PoolRequest {
  readonly family: Family;
  readonly use: PoolUse;
  /** Names or ranges of pools, or ranges within them; empty: whatever selects this node. */
  readonly pools: readonly string[];
  /** Encapsulations that this host's kernel does not have. */
  readonly unmade?: ReadonlySet<Pool['encapsulation']> | undefined;
}

type Labels = ReadonlyMap<string, string>;

/** Outside Kubernetes a namespace has no labels. */
const NO_LABELS: Labels = new Map();

export function describePool(pool: Pool): string {
  return `"${pool.name}" (${formatCidr(pool.cidr)})`;
}

/** Why a pool's packets do not get to other hosts from here, and what helps; undefined where they do. */
function whyUnmade({ encapsulation }: Pool, { unmade }: Pick<PoolRequest, 'unmade'>): string | undefined {
  if (unmade?.has(encapsulation) !== true) return undefined;
  const [mode, other] = encapsulation === 'ipip' ? ['ipipMode', 'vxlanMode'] : ['vxlanMode', 'ipipMode'];
  return `needs tunnels that this host's kernel has not (${mode}): load its module ${encapsulation}, or set ${other} instead`;
}

/** Throws `not-ready` for a pool that this host has no way into. */
export function requireMade(pool: Pool, request: Pick<PoolRequest, 'unmade'>): void {
  const why = whyUnmade(pool, request);
  if (why !== undefined) throw new OcicatError('not-ready', `the pool ${describePool(pool)} ${why}`);
}

/** The pool itself, or as much of it as a range has, which is a block of it at least. Throws `invalid`. */
function findRange(pools: readonly Pool[], cidr: Cidr): Pool | undefined {
  const pool = pools.find((one) => cidrCovers(one.cidr, cidr));
  if (pool === undefined || sameCidr(pool.cidr, cidr)) return pool;
  if (cidr.prefixLength <= pool.blockPrefixLength) return { ...pool, cidr };
  throw new OcicatError(
    'invalid',
    `the given range (${formatCidr(cidr)}) is smaller than a block of pool ${describePool(pool)}, which is a /${pool.blockPrefixLength}`,
  );
}

/** Asked for by range or name: selectors and the assignment mode do not matter. Throws `not-found`, `invalid`. */
function findPool(pools: readonly Pool[], { family }: PoolRequest, wanted: string): Pool {
  const cidr = tryParseCidr(wanted);
  const pool = cidr === undefined ? pools.find(({ name }) => name === wanted) : findRange(pools, maskCidr(cidr));
  if (pool?.enabled !== true)
    throw new OcicatError('not-found', `the given pool (${wanted}) does not exist, or is not enabled`);
  if (pool.family === family) return pool;
  throw new OcicatError(
    'invalid',
    `the given pool (${wanted}) is an IPv${pool.family} pool, wanted an IPv${family} pool`,
  );
}

/** Why a pool gives nothing to a node that did not name it; undefined when it gives. */
function whyNot(pool: Pool, request: PoolRequest, labels: Labels): string | undefined {
  if (!pool.enabled) return 'is disabled';
  if (!pool.automatic) return 'must be asked for';
  if (!matchSelector(pool.nodeSelector, labels)) return 'does not select the node';
  if (!matchSelector(pool.namespaceSelector, NO_LABELS)) return 'does not select its namespace';
  return whyUnmade(pool, request);
}

/** Those that can work: enabled, automatic, selecting this node, and with a way to others. Throws `not-found`. */
function selectPools(view: IpamView, request: PoolRequest): readonly Pool[] {
  const { family } = request;
  const labels = view.nodeLabels();
  if (labels === undefined)
    throw new OcicatError('not-found', `choose IP pools for node "${view.nodeName}": the node is not in the datastore`);
  const all = view.pools().filter((pool) => pool.family === family);
  const selected = all.filter((pool) => whyNot(pool, request, labels) === undefined);
  if (selected.length > 0) return selected;
  const reasons = all.map((pool) => `${describePool(pool)} ${whyNot(pool, request, labels)}`);
  const why = all.length === 0 ? `there are no IPv${family} pools` : reasons.join(', ');
  throw new OcicatError('not-found', `no configured Calico pools for node ${view.nodeName}: ${why}`);
}

/** At least one pool, in the order in which to try them. Throws `not-found`, `not-ready` or `invalid`. */
export function choosePools(view: IpamView, request: PoolRequest): readonly Pool[] {
  const pools =
    request.pools.length > 0
      ? request.pools.map((wanted) => findPool(view.pools(), request, wanted))
      : selectPools(view, request);
  for (const pool of pools) requireMade(pool, request);
  const usable = pools.filter((pool) => pool.allowedUses.includes(request.use));
  if (usable.length > 0) return usable;
  throw new OcicatError(
    'not-found',
    `cannot find a qualified ippool, no pools match the required use (${request.use}): ${pools.map(describePool).join(', ')}`,
  );
}
