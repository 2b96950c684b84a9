// The pools and the configuration that a new cluster, or a new node, starts with (Calico v3.33,
// node/pkg/lifecycle/startup/startup.go).
import { formatIssue, OcicatError } from '../../base/errors.ts';
import type { Datastore } from '../../datastore/port.ts';
import { DEFAULT_SETTINGS, type NamedSpec } from '../../datastore/resource/default-settings.ts';
import type { StoredResource } from '../../datastore/resource/resource-codec.ts';
import { createMany, listResources } from '../../datastore/resource/resources.ts';
import { type IPPool, ipPool, tryReadPoolRange } from '../../model/ipam/ip-pool.ts';
import { readResource } from '../../model/meta/kind.ts';
import { API_VERSION, type Resource } from '../../model/meta/resource.ts';
import {
  type Cidr,
  cidrFamily,
  cidrsOverlap,
  formatCidr,
  maskCidr,
  parseCidr,
  tryParseCidrOrIp,
} from '../../net/cidr.ts';
import type { Family } from '../../net/ip.ts';
import type { Log } from '../../sys/log.ts';
import type { AgentSettings, EncapsulationMode, PoolSetting } from '../config/settings.ts';
import { observeHostAddresses } from './autodetect.ts';
import { tryGetNode } from './register.ts';

/** 192.168.0.0/16 unless this host has an address in it, then the first free of 172.16.0.0/16 to 172.31.0.0/16. */
function chooseIpv4Range(): Cidr {
  const host = observeHostAddresses(4).map((address) => maskCidr(address.cidr));
  const candidates = ['192.168.0.0/16', ...Array.from({ length: 16 }, (_, index) => `172.${16 + index}.0.0/16`)].map(
    parseCidr,
  );
  const free = candidates.find((range) => !host.some((own) => cidrsOverlap(own, range)));
  if (free !== undefined) return free;
  throw new OcicatError(
    'exhausted',
    'choose the default IPv4 pool: this host has addresses in every candidate; set CALICO_IPV4POOL_CIDR',
  );
}

/** A prefix that nobody else has, by chance (RFC 4193, section 3.2). */
function chooseIpv6Range(): Cidr {
  const [first = 0, ...others] = crypto.getRandomValues(new Uint16Array(3));
  const words = [0xfd00 | (first & 0xff), ...others].map((word) => word.toString(16));
  return parseCidr(`${words.join(':')}::/48`);
}

interface PoolPlan {
  readonly family: Family;
  readonly setting: PoolSetting;
  /** Undefined: the usual one of its family. */
  readonly blockSize: number | undefined;
  readonly natOutgoing: boolean;
  readonly vxlanMode: EncapsulationMode;
  readonly ipipMode: EncapsulationMode;
}

/** Where no range is set: of IPv6 where the node has an address of it, as hosts without could not route it; of IPv4 unless it has that alone. */
function isUsual(family: Family, nodeFamilies: readonly Family[]): boolean {
  return nodeFamilies.includes(family) || (family === 4 && nodeFamilies.length === 0);
}

function planRange({ family, setting }: PoolPlan, nodeFamilies: readonly Family[]): Cidr | undefined {
  if (setting.kind === 'range') return setting.cidr;
  if (setting.kind === 'none' || !isUsual(family, nodeFamilies)) return undefined;
  return family === 4 ? chooseIpv4Range() : chooseIpv6Range();
}

/** The families in which the node has an address. */
async function familiesOfNode(datastore: Datastore, name: string, signal: AbortSignal): Promise<readonly Family[]> {
  const { addresses } = (await tryGetNode(datastore, name, signal))?.spec ?? {};
  const own = Array.isArray(addresses) ? addresses.filter(({ type }) => type === 'CalicoNodeIP') : [];
  return own.flatMap(({ address }) => {
    const cidr = tryParseCidrOrIp(String(address));
    return cidr === undefined ? [] : [cidrFamily(cidr)];
  });
}

/** Throws `invalid`, which names the variables, when no pool can be so. */
function buildPool({ family, natOutgoing, blockSize, vxlanMode, ipipMode }: PoolPlan, range: Cidr): IPPool {
  const result = readResource(
    ipPool,
    {
      kind: 'IPPool',
      apiVersion: API_VERSION,
      metadata: { name: `default-ipv${family}-ippool` },
      spec: { cidr: formatCidr(range), vxlanMode, ipipMode, natOutgoing, blockSize },
    },
    'document',
  );
  if (result.kind === 'valid') return result.value;
  const names = result.issues.some(({ path }) => path.endsWith('Mode')) ? ['IPIP', 'VXLAN'] : ['CIDR', 'BLOCK_SIZE'];
  const variables = names.map((name) => `CALICO_IPV${family}POOL_${name}`).join(' or ');
  throw new OcicatError(
    'invalid',
    `make the default IPv${family} pool: ${result.issues.map(formatIssue).join('; ')}; set ${variables} otherwise, or CALICO_IPV${family}POOL_CIDR to "none"`,
  );
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
  const plans: readonly PoolPlan[] = [
    {
      family: 4,
      setting: settings.ipv4Pool,
      blockSize: settings.ipv4PoolBlockSize,
      natOutgoing: settings.ipv4PoolNatOutgoing,
      ...{ vxlanMode: settings.ipv4PoolVxlan, ipipMode: settings.ipv4PoolIpip },
    },
    {
      family: 6,
      setting: settings.ipv6Pool,
      blockSize: settings.ipv6PoolBlockSize,
      natOutgoing: settings.ipv6PoolNatOutgoing,
      ...{ vxlanMode: settings.ipv6PoolVxlan, ipipMode: 'Never' },
    },
  ];
  const families = await familiesOfNode(datastore, nodeName, signal);
  for (const plan of plans) await ensurePool(datastore, plan, resources, families, signal);
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
