// What other firewalls do to packets that the host forwards, as data: a base chain at the forward hook and where it leads.
import { OcicatError } from '../../base/errors.ts';
import type { Family } from '../../net/ip.ts';
import { bytesOfInterfaceName, INTERFACE_NAME_BYTES } from '../../nftables/bytes.ts';
import type { Bytes } from '../../nftables/nft.ts';

/** Both ends included; of one length, so that they compare as the kernel compares them. */
export interface Span {
  readonly first: Bytes;
  readonly last: Bytes;
}

export type ForwardCondition =
  | {
      readonly kind: 'interface';
      readonly direction: 'in' | 'out';
      readonly names: readonly Span[];
      readonly negated: boolean;
    }
  | {
      readonly kind: 'address';
      readonly side: 'source' | 'destination';
      readonly family: Family;
      readonly ranges: readonly Span[];
      readonly negated: boolean;
    }
  | { readonly kind: 'family'; readonly family: Family; readonly negated: boolean }
  /** By the state of the flow: whether a packet that opens one is meant. */
  | { readonly kind: 'state'; readonly opening: boolean }
  /** A port, a mark, a rate: some packets are meant, and some are not. */
  | { readonly kind: 'other' };

export type ForwardAction =
  | { readonly kind: 'accept' | 'drop' | 'return' | 'continue' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string };

export interface ForwardRule {
  /** Where it is found in its chain: `rule 3, handle 17`. */
  readonly place: string;
  readonly conditions: readonly ForwardCondition[];
  readonly action: ForwardAction;
  /** Put there by an agent: its comment says so. */
  readonly isOurs: boolean;
}

export interface ForwardFilter {
  /** `legacy`: the iptables of before nftables, which have tables of their own. */
  readonly backend: 'nftables' | 'legacy';
  readonly family: 'ip' | 'ip6' | 'inet';
  readonly table: string;
  /** The base chain. */
  readonly chain: string;
  readonly policy: 'accept' | 'drop';
  /** Every chain of the table that packets may come to, the base chain too. */
  readonly chains: ReadonlyMap<string, readonly ForwardRule[]>;
}

/** The comment of rules that an agent puts into a chain of somebody else's. */
export const FORWARD_COMMENT = 'ocicat';

/** Names of interfaces that are `name`, or that begin with it. */
export function spanOfName(name: string, isPrefix: boolean): Span {
  const first = bytesOfInterfaceName(name);
  return { first, last: isPrefix ? name.padEnd(INTERFACE_NAME_BYTES, '\xff') : first };
}

/** Whether the rules of a filter see packets of a family. */
export function seesFamily({ family }: ForwardFilter, of: Family): boolean {
  return family === 'inet' || (family === 'ip') === (of === 4);
}

/** The chains of iptables: those that every firewall on iptables shares, in either backend. */
export function isIptables({ backend, family, table, chain }: ForwardFilter): boolean {
  return backend === 'legacy' || (family !== 'inet' && table === 'filter' && chain === 'FORWARD');
}

/** As the programs name it that list it. */
export function formatTable({ backend, family, table }: ForwardFilter): string {
  if (backend === 'nftables') return `table ${family} ${table}`;
  return `table ${table} of ${legacyProgram(family)}`;
}

/** The program for the tables of a family. Throws `internal` for `inet`, which it does not know. */
export function legacyProgram(family: ForwardFilter['family']): 'iptables-legacy' | 'ip6tables-legacy' {
  if (family === 'inet') throw new OcicatError('internal', 'iptables has no tables of family inet');
  return family === 'ip' ? 'iptables-legacy' : 'ip6tables-legacy';
}
