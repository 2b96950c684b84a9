// A pool as address assignment sees it: where its addresses are, and who may have them.
import { OcicatError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import { type Cidr, cidrFamily, isMasked, maskCidr, tryParseCidr, tryParseCidrOrIp } from '../net/cidr.ts';
import { bitsOf, type Family } from '../net/ip.ts';
import { parseSelector } from '../selector/parse.ts';
import { SELECT_ALL, type Selector } from '../selector/selector.ts';
import { parseFields } from './handle.ts';

export type PoolUse = 'Workload' | 'Tunnel' | 'LoadBalancer';

export interface Pool {
  readonly name: string;
  readonly cidr: Cidr;
  readonly family: Family;
  /** Prefix length of its blocks. */
  readonly blockPrefixLength: number;
  /** Whether new addresses may be taken. */
  readonly enabled: boolean;
  readonly nodeSelector: Selector;
  readonly namespaceSelector: Selector;
  readonly allowedUses: readonly PoolUse[];
  /** False: used only when asked for by name or range. */
  readonly automatic: boolean;
}

type Fields = { readonly [key: string]: Json };

function membersOf(value: Json | undefined): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function selectorOf(value: Json | undefined): Selector {
  return textOf(value) === '' ? SELECT_ALL : parseSelector(textOf(value));
}

function usesOf(value: Json | undefined): readonly PoolUse[] {
  const uses = (['Workload', 'Tunnel', 'LoadBalancer'] as const).filter(
    (use) => Array.isArray(value) && value.includes(use),
  );
  return uses.length === 0 ? ['Workload', 'Tunnel'] : uses;
}

/** Calico's controllers mark pools that must not be used for now with condition `Allocatable` = False. */
function isAllocatable(status: Fields): boolean {
  const conditions = Array.isArray(status.conditions) ? status.conditions : [];
  return !conditions.map(membersOf).some(({ type, status: held }) => type === 'Allocatable' && held === 'False');
}

/** Calico's default block sizes. */
function defaultBlockPrefix(family: Family): number {
  return family === 4 ? 26 : 122;
}

/** From a stored IPPool. Throws `corrupt` or `invalid` when addresses cannot be taken from it. */
export function parsePool(name: string, text: string): Pool {
  const resource = parseFields(`IP pool "${name}"`, text);
  const spec = membersOf(resource.spec);
  const cidr = tryParseCidr(textOf(spec.cidr));
  if (cidr === undefined || !isMasked(cidr))
    throw new OcicatError('corrupt', `parse IP pool "${name}": cidr is "${textOf(spec.cidr)}", wanted a masked range`);
  const family = cidrFamily(cidr);
  const size = spec.blockSize;
  const blockPrefixLength = typeof size === 'number' && size > 0 ? size : defaultBlockPrefix(family);
  if (blockPrefixLength > bitsOf(family))
    throw new OcicatError('corrupt', `parse IP pool "${name}": blockSize is ${blockPrefixLength}`);
  return {
    name,
    cidr: maskCidr(cidr),
    family,
    blockPrefixLength,
    enabled:
      spec.disabled !== true &&
      blockPrefixLength >= cidr.prefixLength &&
      membersOf(resource.metadata).deletionTimestamp === undefined &&
      isAllocatable(membersOf(resource.status)),
    nodeSelector: selectorOf(spec.nodeSelector),
    namespaceSelector: selectorOf(spec.namespaceSelector),
    allowedUses: usesOf(spec.allowedUses),
    automatic: spec.assignmentMode !== 'Manual',
  };
}

/** From a stored IPReservation: ranges that nobody is given automatically. */
export function parseReservation(name: string, text: string): readonly Cidr[] {
  const ranges = membersOf(parseFields(`IP reservation "${name}"`, text).spec).reservedCIDRs;
  return (Array.isArray(ranges) ? ranges : []).map((range) => {
    const cidr = tryParseCidrOrIp(textOf(range));
    if (cidr !== undefined) return maskCidr(cidr);
    throw new OcicatError('corrupt', `parse IP reservation "${name}": "${textOf(range)}" is not a range`);
  });
}

/** From a stored Node: the labels that pools' node selectors match. */
export function parseNodeLabels(text: string): ReadonlyMap<string, string> {
  const labels = membersOf(membersOf(parseFields('Node', text).metadata).labels);
  return new Map(Object.entries(labels).map(([key, value]) => [key, textOf(value)]));
}
