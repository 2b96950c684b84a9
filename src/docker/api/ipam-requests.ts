// Docker's requests to an IPAM driver, from JSON to values, and its answers (moby/libnetwork, docs/ipam.md).
import { type Issue, OcicatError } from '../../base/errors.ts';
import { type Cidr, cidrContains, cidrCovers, cidrFamily, formatCidr, maskCidr, tryParseCidr } from '../../net/cidr.ts';
import { type Family, formatIp, type Ip } from '../../net/ip.ts';
import { parseDocument } from '../../schema/parse.ts';
import { boolean, parsedText, text } from '../../schema/scalars.ts';
import { filled, map, object, optional, required, sparse } from '../../schema/schema.ts';
import { address, GATEWAYS, isGateway, printAddress, range } from './values.ts';

/** As Calico's driver called it (projectcalico/libnetwork-plugin v1.1.3, driver/ipam_driver.go). */
export const ADDRESS_SPACE = 'CalicoGlobalAddressSpace';

/** Key of what an answer says about a pool's gateway, and of what a request for an address says it is for. */
const GATEWAY = 'com.docker.network.gateway';

/** Where the addresses of a network come from: all pools of the cluster that select the host, or a range that one pool has. */
export interface PoolChoice {
  readonly family: Family;
  readonly range: Cidr | undefined;
}

const EVERYTHING: Readonly<Record<Family, string>> = { 4: '0.0.0.0/0', 6: '::/0' };

const options = filled(map(text(), text()), {}, '');

const poolRequest = object({
  AddressSpace: filled(text(), '', ''),
  Pool: sparse(range, ''),
  SubPool: sparse(range, ''),
  Options: optional(options.schema),
  V6: filled(boolean, false, ''),
});

function refuse(what: string, issues: readonly Issue[]): never {
  const list = issues.map(({ path, found, wanted }) => `${path}: found ${found}, wanted ${wanted}`);
  throw new OcicatError('invalid', `${what}: ${list.join('; ')}`, { issues });
}

/** `--subnet`, or of that `--ip-range`. */
export function parsePoolRequest(json: string): PoolChoice {
  const { AddressSpace, Pool, SubPool, Options = {}, V6 } = parseDocument('RequestPool', json, poolRequest, 'open');
  const [pool, subPool] = [Pool, SubPool].map((one) => (one === undefined ? undefined : maskCidr(one)));
  const family: Family = V6 ? 6 : 4;
  const issues: Issue[] = [];
  if (AddressSpace !== '' && AddressSpace !== ADDRESS_SPACE)
    issues.push({ path: 'AddressSpace', found: `"${AddressSpace}"`, wanted: `"${ADDRESS_SPACE}"` });
  for (const name of Object.keys(Options))
    issues.push({ path: `--ipam-opt ${name}`, found: 'an option', wanted: 'none: what IP pools are, calicoctl says' });
  for (const [path, one] of [['--subnet', pool] as const, ['--ip-range', subPool] as const])
    if (one !== undefined && cidrFamily(one) !== family)
      issues.push({ path, found: formatCidr(one), wanted: `a range of IPv${family}` });
  if (pool !== undefined && subPool !== undefined && !cidrCovers(pool, subPool))
    issues.push({ path: '--ip-range', found: formatCidr(subPool), wanted: `a range within ${formatCidr(pool)}` });
  if (issues.length > 0) refuse('RequestPool', issues);
  return { family, range: subPool ?? pool };
}

/** The identifier says all that there is to know of a pool: nothing is remembered, and nothing forgotten. */
function printPoolId({ family, range }: PoolChoice): string {
  return formatRange(family, range);
}

function formatRange(family: Family, range: Cidr | undefined): string {
  return range === undefined ? EVERYTHING[family] : formatCidr(range);
}

function tryParsePoolId(id: string): PoolChoice | undefined {
  const cidr = tryParseCidr(id);
  if (cidr === undefined) return undefined;
  return { family: cidrFamily(cidr), range: cidr.prefixLength === 0 ? undefined : cidr };
}

const poolId = parsedText<PoolChoice>('the identifier of a pool', tryParsePoolId);

export function printPoolAnswer(choice: PoolChoice): string {
  const { family, range } = choice;
  const Data = { [GATEWAY]: printAddress(GATEWAYS[family]) };
  return JSON.stringify({ PoolID: printPoolId(choice), Pool: formatRange(family, range), Data });
}

export function parsePoolRelease(json: string): PoolChoice {
  return parseDocument('ReleasePool', json, object({ PoolID: required(poolId, '') }), 'open').PoolID;
}

export interface AddressWish {
  readonly pool: PoolChoice;
  readonly address: Ip | undefined;
  /** The gateway of a network, which is of no pool. */
  readonly isGateway: boolean;
}

const addressRequest = object({
  PoolID: required(poolId, ''),
  Address: sparse(address, ''),
  Options: optional(options.schema),
});

function requireOwnGateway(wanted: Ip | undefined, family: Family): void {
  if (wanted === undefined || isGateway(wanted)) return;
  const gateway = formatIp(GATEWAYS[family]);
  refuse('RequestAddress', [{ path: '--gateway', found: formatIp(wanted), wanted: `${gateway}, or nothing` }]);
}

export function parseAddressRequest(json: string): AddressWish {
  const { PoolID: pool, Address: wanted, Options = {} } = parseDocument('RequestAddress', json, addressRequest, 'open');
  if (Options.RequestAddressType === GATEWAY) {
    requireOwnGateway(wanted, pool.family);
    return { pool, address: wanted, isGateway: true };
  }
  if (wanted !== undefined && pool.range !== undefined && !cidrContains(pool.range, wanted))
    refuse('RequestAddress', [
      { path: 'Address', found: formatIp(wanted), wanted: `an address within ${formatCidr(pool.range)}` },
    ]);
  return { pool, address: wanted, isGateway: false };
}

export function printAddressAnswer(ip: Ip): string {
  return JSON.stringify({ Address: printAddress(ip), Data: {} });
}

export function parseAddressRelease(json: string): Ip {
  const release = object({ PoolID: required(poolId, ''), Address: required(address, '') });
  return parseDocument('ReleaseAddress', json, release, 'open').Address;
}
