// ipam show: how full pools and blocks are, who holds an address, which addresses are borrowed, what is configured.

import { escapeLine } from '../../base/escape.ts';
import {
  type Attribute,
  attributeAt,
  type Block,
  computeUsage,
  heldOrdinals,
  ipAt,
  tryOrdinalOf,
} from '../../blocks/block.ts';
import { reservedIn } from '../../blocks/reservations.ts';
import { formatFramed } from '../../cli/framed-table.ts';
import type { Datastore } from '../../datastore/port.ts';
import { type Cidr, cidrCovers, cidrSize, formatCidr, parseCidr } from '../../net/cidr.ts';
import { formatIp } from '../../net/ip.ts';
import { flagOn, flagValue, type Handler, type Invocation } from '../cli/command.ts';
import { withStore } from '../store/context.ts';
import { readIpamConfig } from './config.ts';
import { parseAddressArgument, rangesOf, readBlocks, readPools, readReservations } from './read.ts';

/** Numbers as C's `%.5g`: `65536`, `1.2089e+24`. */
export function formatCount(value: number): string {
  if (value < 1e5) return String(value);
  const [digits = '', exponent = '0'] = value.toExponential(4).split('e');
  const shortened = digits.replace(/\.?0+$/, '');
  return `${shortened}e+${exponent.slice(1).padStart(2, '0')}`;
}

function share(part: number, whole: number): string {
  const percent = whole === 0 ? 0 : Math.round((part / whole) * 100);
  return `${formatCount(part)} (${percent}%)`;
}

interface Usage {
  readonly total: number;
  readonly inUse: number;
  readonly reserved: number;
  readonly free: number;
}

function usageRow(grouping: string, cidr: string, { total, inUse, reserved, free }: Usage): readonly string[] {
  return [grouping, cidr, formatCount(total), share(inUse, total), share(reserved, total), share(free, total)];
}

function blockUsage(block: Block, reservations: readonly Cidr[]): Usage {
  const { capacity, inUse, reserved, available } = computeUsage(block, reservedIn(block.cidr, reservations));
  return { total: capacity, inUse, reserved, free: available };
}

/** Addresses of a pool that reservations cover, each once. */
function countReserved(pool: Cidr, reservations: readonly Cidr[]): number {
  const inside = reservations.filter((one) => cidrCovers(pool, one));
  if (reservations.some((one) => cidrCovers(one, pool))) return cidrSize(pool);
  const distinct = inside.filter(
    (one, index) =>
      !inside.some((other, at) => at !== index && cidrCovers(other, one) && (!cidrCovers(one, other) || at < index)),
  );
  return distinct.reduce((sum, one) => sum + cidrSize(one), 0);
}

/** Addresses that are in use and reserved count in both columns, as Calico's do. */
function poolUsage(pool: Cidr, blocks: readonly Block[], reservations: readonly Cidr[]): Usage {
  const total = cidrSize(pool);
  const inUse = blocks.reduce((sum, block) => sum + heldOrdinals(block).length, 0);
  const reserved = countReserved(pool, reservations);
  const isReserved = reservedIn(pool, reservations);
  const both = blocks.reduce(
    (sum, block) => sum + heldOrdinals(block).filter((ordinal) => isReserved(ipAt(block, ordinal))).length,
    0,
  );
  return { total, inUse, reserved, free: Math.max(0, total - inUse - reserved + both) };
}

async function printUsage(invocation: Invocation, datastore: Datastore): Promise<string> {
  const { signal } = invocation;
  const [pools, blocks, reserved] = await Promise.all([
    readPools(datastore, signal),
    readBlocks(datastore, signal),
    readReservations(datastore, signal),
  ]);
  for (const problem of [...pools.problems, ...reserved.problems])
    invocation.stdio.writeError(`warning: ${escapeLine(problem)}\n`);
  const reservations = rangesOf(reserved.resources);
  const withBlocks = flagOn(invocation, 'show-blocks');
  const rows: (readonly string[])[] = [['GROUPING', 'CIDR', 'IPS TOTAL', 'IPS IN USE', 'IPS RESERVED', 'IPS FREE']];
  const blockRows = (list: readonly Block[]) =>
    list.map((block) => usageRow('Block', formatCidr(block.cidr), blockUsage(block, reservations)));
  const placed = new Set<Block>();
  for (const pool of pools.resources) {
    const range = parseCidr(pool.spec.cidr);
    const inside = blocks.filter((block) => cidrCovers(range, block.cidr));
    for (const block of inside) placed.add(block);
    rows.push(usageRow('IP Pool', pool.spec.cidr, poolUsage(range, inside, reservations)));
    if (withBlocks) rows.push(...blockRows(inside));
  }
  if (withBlocks) rows.push(...blockRows(blocks.filter((block) => !placed.has(block))));
  return formatFramed(rows, [2, 3, 4, 5]);
}

function formatOwner(title: string, attributes: Readonly<Record<string, string>> | undefined): string {
  const names = Object.keys(attributes ?? {}).sort();
  if (names.length === 0) return `No ${title} attributes defined\n`;
  return `${title} Attributes:\n${names.map((name) => `${escapeLine(`  ${name}: ${attributes?.[name] ?? ''}`)}\n`).join('')}`;
}

function formatHolder(ip: string, holder: Attribute): string {
  const alternate = holder.alternateOwner === undefined ? '' : formatOwner('Alternate Owner', holder.alternateOwner);
  const handle = escapeLine(`Handle ID: ${holder.handleId ?? '<none>'}`);
  return `IP ${ip} is in use\n${handle}\n${formatOwner('Active Owner', holder.secondary)}${alternate}`;
}

async function printAddress(invocation: Invocation, datastore: Datastore, text: string): Promise<string> {
  const ip = parseAddressArgument(text);
  for (const block of await readBlocks(datastore, invocation.signal)) {
    const ordinal = tryOrdinalOf(block, ip);
    const holder = ordinal === undefined ? undefined : attributeAt(block, ordinal);
    if (holder !== undefined && holder.releasedAt === undefined) return formatHolder(formatIp(ip), holder);
  }
  return `${formatIp(ip)} is not assigned\n`;
}

/** `ns/pod` of a pod, else the handle. */
function describeHolder({ handleId, secondary = {} }: Attribute): readonly [type: string, name: string] {
  const { namespace, pod, type } = secondary;
  if (pod !== undefined) return ['pod', namespace === undefined ? pod : `${namespace}/${pod}`];
  return [type ?? '', handleId ?? ''];
}

async function printBorrowed(invocation: Invocation, datastore: Datastore): Promise<string> {
  const rows: (readonly string[])[] = [['IP', 'BORROWING-NODE', 'BLOCK', 'BLOCK OWNER', 'TYPE', 'ALLOCATED-TO']];
  for (const block of await readBlocks(datastore, invocation.signal)) {
    const owner = block.affinity?.replace(/^host:/, '') ?? '';
    for (const ordinal of heldOrdinals(block)) {
      const holder = attributeAt(block, ordinal);
      const node = holder?.secondary?.node;
      if (holder === undefined || node === undefined || node === owner) continue;
      const [type, name] = describeHolder(holder);
      rows.push([formatIp(ipAt(block, ordinal)), node, formatCidr(block.cidr), owner, type, name]);
    }
  }
  return formatFramed(rows);
}

async function printConfiguration(invocation: Invocation, datastore: Datastore): Promise<string> {
  const { fields } = await readIpamConfig(datastore, invocation.signal);
  return formatFramed([
    ['PROPERTY', 'VALUE'],
    ['StrictAffinity', String(fields.strict_affinity)],
    ['AutoAllocateBlocks', String(fields.auto_allocate_blocks)],
    ['MaxBlocksPerHost', String(fields.maxBlocksPerHost)],
    ['KubeVirtVMAddressPersistence', fields.kubeVirtVMAddressPersistence],
    ['IPCooldownSeconds', String(fields.ipCooldownSeconds)],
  ]);
}

export const runIpamShow: Handler = (invocation) =>
  withStore(invocation, async (datastore) => {
    const ip = flagValue(invocation, 'ip');
    let text: string;
    if (ip !== undefined) text = await printAddress(invocation, datastore, ip);
    else if (flagOn(invocation, 'show-borrowed')) text = await printBorrowed(invocation, datastore);
    else if (flagOn(invocation, 'show-configuration')) text = await printConfiguration(invocation, datastore);
    else text = await printUsage(invocation, datastore);
    invocation.stdio.write(text);
    return 0;
  });
