// The kernel's numbers for nf_tables messages, hooks and flags, and the number of a set's key type.
import { OcicatError } from '../base/errors.ts';
import { keyTypes } from './keys.ts';
import type { BaseHook, SetSpec, TableFamily } from './nft.ts';

/** Numbers of nf_tables messages: subsystem 10 in the high byte (include/uapi/linux/netfilter/nfnetlink.h, nf_tables.h). */
export const message = {
  newTable: 0xa00,
  getTable: 0xa01,
  delTable: 0xa02,
  newChain: 0xa03,
  getChain: 0xa04,
  delChain: 0xa05,
  newRule: 0xa06,
  getRule: 0xa07,
  delRule: 0xa08,
  newSet: 0xa09,
  getSet: 0xa0a,
  delSet: 0xa0b,
  newSetElem: 0xa0c,
  getSetElem: 0xa0d,
  delSetElem: 0xa0e,
  newGen: 0xa0f,
  getGen: 0xa10,
  batchBegin: 0x10,
  batchEnd: 0x11,
} as const;

/** Families of nf_tables (include/uapi/linux/netfilter.h, NFPROTO_INET and NFPROTO_ARP). */
export const familyNumbers: Readonly<Record<TableFamily, number>> = { inet: 1, arp: 3 };
export const SUBSYSTEM_NFTABLES = 10;
export const BATCH_GENERATION = 1;
export const ACK = 0x4;
export const CREATE = 0x400;
export const APPEND = 0x800;

/** Flags of tables: only the socket that made it may change it; it stays when that socket closes, and is anybody's then. */
export const TABLE_OWNED = 0x2;
export const TABLE_PERSISTENT = 0x4;

/** Hook numbers and set flags: include/uapi/linux/netfilter.h, netfilter_arp.h, nf_tables.h. */
const hookNumbers: Readonly<Record<TableFamily, Readonly<Partial<Record<BaseHook['hook'], number>>>>> = {
  inet: { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 },
  arp: { input: 0, output: 1 },
};

/** Throws when the family has no such hook. */
export function hookNumberOf(family: TableFamily, hook: BaseHook['hook']): number {
  const number = hookNumbers[family][hook];
  if (number === undefined) throw new OcicatError('internal', `hook "${hook}": tables of family ${family} have none`);
  return number;
}

/** Undefined for a number that the family does not have. */
export function hookOfNumber(family: TableFamily, number: number): BaseHook['hook'] | undefined {
  const hooks = Object.entries(hookNumbers[family]) as readonly [BaseHook['hook'], number][];
  return hooks.find(([, other]) => other === number)?.[0];
}

export const SET_INTERVAL = 0x4;
export const SET_MAP = 0x8;
/** Elements may change by packets (NFT_SET_EVAL). */
export const SET_DYNAMIC = 0x20;
export const SET_TIMEOUT = 0x10;
export const SET_CONCATENATED = 0x80;
export const ELEMENT_INTERVAL_END = 1;
/** The data type of verdict maps (NFT_DATA_VERDICT). */
const DATA_VERDICT = 0xffffff00;

/** nftables makes the type of a concatenation of six bits for each part. */
const CONCATENATED_TYPE_BITS = 6;

/** The number that the kernel keeps as the type of a set's keys. */
export function keyTypeNumber({ key }: Pick<SetSpec, 'key'>): number {
  return key.reduce((number, type) => (number << CONCATENATED_TYPE_BITS) | keyTypes[type].id, 0);
}

/** That of a map's values; 0 of a set. */
export function valueTypeNumber({ verdicts, values = [] }: Pick<SetSpec, 'verdicts' | 'values'>): number {
  return verdicts ? DATA_VERDICT : keyTypeNumber({ key: values });
}
