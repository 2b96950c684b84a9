// An address that a host keeps for itself under a handle of its own, such as a tunnel's: as long as it is rightly there it stays,
// what is not goes, and without a pool for it there is none. Inside a transaction, so that nothing of it happens by halves.
import { parseBlock } from '../blocks/block-json.ts';
import { addressesOfHandle, type Released } from '../blocks/release.ts';
import { cidrContains, formatCidr } from '../net/cidr.ts';
import type { Family, Ip } from '../net/ip.ts';
import { buildAssignment } from './assign.ts';
import { handleKey } from './assign-context.ts';
import { parseHandle } from './handle.ts';
import { blockKey, type IpamContext } from './own-block.ts';
import type { Pool, PoolUse } from './pool.ts';
import { buildReleaseByHandle } from './release.ts';
import type { TransactionBuilder } from './transaction-builder.ts';

export interface KeptAddress {
  readonly handleId: string;
  /** What the address is recorded with; one that is recorded otherwise is not rightly there. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly use: PoolUse;
  readonly family: Family;
  /** Those that it may stay in; none: there is to be no address. */
  readonly rightful: readonly Pool[];
  /** Those that another may be taken from; none: none is taken. */
  readonly open: readonly Pool[];
  /** Of several that are rightly there this one stays. */
  readonly preferred: Ip | undefined;
}

async function heldUnder(builder: TransactionBuilder, handleId: string): Promise<readonly Released[]> {
  const handle = parseHandle(await builder.get(handleKey(handleId)));
  const texts = await Promise.all([...handle.keys()].map((cidr) => builder.get(blockKey(cidr))));
  return texts.flatMap((text) => (text === undefined ? [] : addressesOfHandle(parseBlock(text), handleId)));
}

/** Throws as buildAssignment does when one is wanted and none is to be had. */
export async function buildKeptAddress(ipam: IpamContext, kept: KeptAddress): Promise<Ip | undefined> {
  const { builder, nowMs, view } = ipam;
  const { handleId, attributes, use, family, open } = kept;
  const isRightful = ({ ip, holder }: Released) =>
    kept.rightful.some(({ cidr }) => cidrContains(cidr, ip)) &&
    Object.entries(attributes).every(([name, value]) => holder.secondary?.[name] === value);
  const held = await heldUnder(builder, handleId);
  const usable = held.filter(isRightful).map(({ ip }) => ip);
  const stays = usable.find((ip) => ip === kept.preferred) ?? usable[0];
  if (held.some(({ ip }) => ip !== stays)) {
    const release = { builder, nowMs, cooldownSeconds: view.cooldownSeconds() };
    await buildReleaseByHandle(release, handleId, (_, ip) => ip !== stays);
  }
  if (stays !== undefined || open.length === 0) return stays;
  const ranges = open.map(({ cidr }) => formatCidr(cidr));
  const request = { handleId, attributes, use, families: [family], ipv4Pools: ranges, ipv6Pools: ranges };
  const [assigned] = await buildAssignment(ipam, request);
  return assigned?.ip;
}
