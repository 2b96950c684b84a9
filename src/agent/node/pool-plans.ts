// The default pool of each family, as settings and this host have it (Calico v3.33, node/pkg/lifecycle/startup/startup.go).
import { formatIssue, OcicatError } from '../../base/errors.ts';
import { type IPPool, ipPool } from '../../model/ipam/ip-pool.ts';
import { readResource } from '../../model/meta/kind.ts';
import { API_VERSION } from '../../model/meta/resource.ts';
import { type Cidr, cidrsOverlap, formatCidr, maskCidr, parseCidr } from '../../net/cidr.ts';
import type { Family } from '../../net/ip.ts';
import type { AgentSettings, EncapsulationMode, PoolSetting } from '../config/settings.ts';
import { observeHostAddresses } from './autodetect.ts';

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

export interface PoolPlan {
  readonly family: Family;
  readonly setting: PoolSetting;
  /** Undefined: the usual one of its family. */
  readonly blockSize: number | undefined;
  readonly natOutgoing: boolean;
  readonly vxlanMode: EncapsulationMode;
  readonly ipipMode: EncapsulationMode;
}

export function computePoolPlans(settings: AgentSettings): readonly PoolPlan[] {
  return [
    {
      family: 4,
      setting: settings.ipv4Pool,
      blockSize: settings.ipv4PoolBlockSize,
      natOutgoing: settings.ipv4PoolNatOutgoing,
      vxlanMode: settings.ipv4PoolVxlan,
      ipipMode: settings.ipv4PoolIpip,
    },
    {
      family: 6,
      setting: settings.ipv6Pool,
      blockSize: settings.ipv6PoolBlockSize,
      natOutgoing: settings.ipv6PoolNatOutgoing,
      vxlanMode: settings.ipv6PoolVxlan,
      ipipMode: 'Never',
    },
  ];
}

/** Where no range is set: of IPv6 where the node has an address of it, as hosts without could not route it; of IPv4 unless it has that alone. */
function isUsual(family: Family, nodeFamilies: readonly Family[]): boolean {
  return nodeFamilies.includes(family) || (family === 4 && nodeFamilies.length === 0);
}

/** The range that is set, or one that this host does not use; undefined: no pool is to be. */
export function planRange({ family, setting }: PoolPlan, nodeFamilies: readonly Family[]): Cidr | undefined {
  if (setting.kind === 'range') return setting.cidr;
  if (setting.kind === 'none' || !isUsual(family, nodeFamilies)) return undefined;
  return family === 4 ? chooseIpv4Range() : chooseIpv6Range();
}

/** Throws `invalid`, which names the variables, when no pool can be so. */
export function buildPool({ family, natOutgoing, blockSize, vxlanMode, ipipMode }: PoolPlan, range: Cidr): IPPool {
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
