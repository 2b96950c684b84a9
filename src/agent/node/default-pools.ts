// The pools and the configuration that a new cluster, or a new node, starts with (Calico v3.33,
// node/pkg/lifecycle/startup/startup.go).
import type { Datastore } from '../../datastore/port.ts';
import { DEFAULT_SETTINGS, type NamedSpec } from '../../datastore/resource/default-settings.ts';
import type { StoredResource } from '../../datastore/resource/resource-codec.ts';
import { createMany, listResources } from '../../datastore/resource/resources.ts';
import { ipPool, tryReadPoolRange } from '../../model/ipam/ip-pool.ts';
import { readResource } from '../../model/meta/kind.ts';
import { API_VERSION, type Resource } from '../../model/meta/resource.ts';
import { cidrFamily, tryParseCidrOrIp } from '../../net/cidr.ts';
import type { Family } from '../../net/ip.ts';
import type { Log } from '../../sys/log.ts';
import type { AgentSettings } from '../config/settings.ts';
import { buildPool, computePoolPlans, type PoolPlan, planRange } from './pool-plans.ts';
import { tryGetNode } from './register.ts';

/** The families in which the node has an address. */
async function familiesOfNode(datastore: Datastore, name: string, signal: AbortSignal): Promise<readonly Family[]> {
  const { addresses } = (await tryGetNode(datastore, name, signal))?.spec ?? {};
  const own = Array.isArray(addresses) ? addresses.filter(({ type }) => type === 'CalicoNodeIP') : [];
  return own.flatMap(({ address }) => {
    const cidr = tryParseCidrOrIp(String(address));
    return cidr === undefined ? [] : [cidrFamily(cidr)];
  });
}

async function ensurePool(
  datastore: Datastore,
  plan: PoolPlan,
  existing: readonly StoredResource[],
  nodeFamilies: readonly Family[],
  signal: AbortSignal,
): Promise<void> {
  const families = existing
    .map((pool) => tryReadPoolRange(pool.spec))
    .map((cidr) => (cidr === undefined ? undefined : cidrFamily(cidr)));
  const range = families.includes(plan.family) ? undefined : planRange(plan, nodeFamilies);
  if (range === undefined) return;
  const pool = buildPool(plan, range);
  await createMissing(datastore, [{ kind: 'IPPool', name: pool.metadata.name, spec: pool.spec }], signal);
}

async function createMissing(datastore: Datastore, wanted: readonly NamedSpec[], signal: AbortSignal): Promise<void> {
  const resources = wanted.map(
    ({ kind, name, spec }): Resource => ({ kind, apiVersion: API_VERSION, metadata: { name }, spec }),
  );
  for (const outcome of await createMany(datastore, resources, signal)) {
    if (outcome.kind === 'failed' && outcome.error.code !== 'already-exists') throw outcome.error;
  }
}

async function ensurePools(
  datastore: Datastore,
  settings: AgentSettings,
  nodeName: string,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  if (!settings.defaultPools) return;
  const { resources, unreadable } = await listResources(datastore, 'IPPool', undefined, signal);
  const broken = resources.filter((one) => readResource(ipPool, one, 'stored').kind === 'invalid');
  if (broken.length + unreadable.length > 0) {
    log.warn('no pool is made while there is one that cannot be read: its range is not known');
    return;
  }
  const families = await familiesOfNode(datastore, nodeName, signal);
  for (const plan of computePoolPlans(settings)) await ensurePool(datastore, plan, resources, families, signal);
}

/** Pools and configuration that a new cluster, or a new node, starts with. What is there is left as it is. */
export async function ensureDefaults(
  datastore: Datastore,
  settings: AgentSettings,
  nodeName: string,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  await ensurePools(datastore, settings, nodeName, log, signal);
  await createMissing(
    datastore,
    [
      ...DEFAULT_SETTINGS,
      { kind: 'FelixConfiguration', name: `node.${nodeName}`, spec: { defaultEndpointToHostAction: 'Return' } },
    ],
    signal,
  );
  log.info(`node "${nodeName}" is registered`);
}
