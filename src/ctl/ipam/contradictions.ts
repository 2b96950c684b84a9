// Records about addresses that contradict each other: one address for two, blocks and affinities without each other,
// handles that are missing or count otherwise than the blocks.
import type { Block } from '../../blocks/block.ts';
import { heldAddresses } from '../../blocks/release.ts';
import { formatCidr } from '../../net/cidr.ts';
import { formatIp } from '../../net/ip.ts';
import type { IpamRecords } from './records.ts';

export interface Contradiction {
  readonly kind:
    | 'address-used-twice'
    | 'address-held-twice'
    | 'block-without-affinity'
    | 'affinity-without-block'
    | 'missing-handle'
    | 'miscounting-handle';
  /** The address, the block's range or the handle. */
  readonly name: string;
  readonly what: string;
}

/** Who uses an address, by address. */
export type Users = ReadonlyMap<string, readonly string[]>;

function usedTwice(users: Users): readonly Contradiction[] {
  return [...users].flatMap(([name, all]) =>
    all.length < 2
      ? []
      : [{ kind: 'address-used-twice' as const, name, what: `address ${name}: used by ${all.join(', ')}` }],
  );
}

/** Blocks that overlap may each hold the same address. */
function heldTwice({ blocks }: IpamRecords): readonly Contradiction[] {
  const holders = Map.groupBy(
    blocks.flatMap((block) =>
      heldAddresses(block).map(({ ip }) => ({ name: formatIp(ip), cidr: formatCidr(block.cidr) })),
    ),
    ({ name }) => name,
  );
  return [...holders].flatMap(([name, all]) => {
    if (all.length < 2) return [];
    const what = `address ${name}: held in the blocks ${all.map(({ cidr }) => cidr).join(', ')}`;
    return [{ kind: 'address-held-twice' as const, name, what }];
  });
}

function withoutAffinity({ blocks, affinities }: IpamRecords): readonly Contradiction[] {
  const known = new Set(affinities.map(({ owner, cidr }) => `${owner.kind}:${owner.name} ${cidr}`));
  return blocks.flatMap(({ cidr, affinity }) => {
    const name = formatCidr(cidr);
    if (affinity === undefined || known.has(`${affinity} ${name}`)) return [];
    const what = `block ${name}: belongs to ${affinity}, which has no affinity for it`;
    return [{ kind: 'block-without-affinity' as const, name, what }];
  });
}

function withoutBlock({ blocks, affinities }: IpamRecords): readonly Contradiction[] {
  const owners = new Map(blocks.map((block) => [formatCidr(block.cidr), block.affinity ?? 'nobody']));
  return affinities.flatMap(({ owner, cidr }) => {
    const preferring = `${owner.kind}:${owner.name}`;
    const owning = owners.get(cidr);
    if (owning === preferring) return [];
    const reason = owning === undefined ? 'there is no such block' : `the block belongs to ${owning}`;
    const what = `affinity of ${preferring} for ${cidr}: ${reason}`;
    return [{ kind: 'affinity-without-block' as const, name: cidr, what }];
  });
}

/** How many addresses each handle holds in a block. */
function countByHandle(block: Block): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { holder } of heldAddresses(block))
    if (holder.handleId !== undefined) counts.set(holder.handleId, (counts.get(holder.handleId) ?? 0) + 1);
  return counts;
}

/** A handle that holds nothing at all is not among them: ipam check lists those by themselves. */
function wrongHandles({ blocks, handles }: IpamRecords): readonly Contradiction[] {
  const held = new Map<string, Map<string, number>>();
  for (const block of blocks)
    for (const [name, count] of countByHandle(block))
      held.set(name, new Map(held.get(name)).set(formatCidr(block.cidr), count));
  return [...held].flatMap(([name, counted]): readonly Contradiction[] => {
    const record = handles.get(name);
    if (record === undefined)
      return [...counted].map(([cidr, count]) => ({
        kind: 'missing-handle',
        name,
        what: `handle ${name}: holds ${count} addresses in ${cidr}, and is not recorded`,
      }));
    const { counts } = record;
    if (counts === undefined) return [];
    const cidrs = [...new Set([...counts.keys(), ...counted.keys()])];
    return cidrs.flatMap((cidr) => {
      const [says, has] = [counts.get(cidr) ?? 0, counted.get(cidr) ?? 0];
      const what = `handle ${name}: counts ${says} addresses in ${cidr}, where it holds ${has}`;
      return says === has ? [] : [{ kind: 'miscounting-handle' as const, name, what }];
    });
  });
}

export function findContradictions(records: IpamRecords, users: Users): readonly Contradiction[] {
  return [
    ...usedTwice(users),
    ...heldTwice(records),
    ...withoutAffinity(records),
    ...withoutBlock(records),
    ...wrongHandles(records),
  ];
}
