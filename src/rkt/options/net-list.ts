// The value of `--net`: which networks a pod joins, with the CNI arguments of each.
import { OcicatError } from '../../base/errors.ts';

/** One wanted network; `args` goes to its plugin as CNI_ARGS. */
export interface WantedNetwork {
  readonly name: string;
  readonly args: string;
}

export type NetList =
  | { readonly kind: 'host' }
  | { readonly kind: 'none' }
  /** Every configured network; `named` holds those that were given arguments. */
  | { readonly kind: 'all'; readonly named: readonly WantedNetwork[] }
  | { readonly kind: 'networks'; readonly named: readonly WantedNetwork[] };

const special = new Set(['all', 'host', 'none']);

/** Colons may stand in the value of an argument, as in an IPv6 address, which rkt refuses. */
function isArgument(text: string): boolean {
  return /^[^=]+=/.test(text);
}

function parseItem(item: string): WantedNetwork {
  const [name = '', ...parts] = item.split(':');
  const args = parts.join(':');
  if (name === '') throw new OcicatError('invalid', 'netname must not be empty');
  if (parts.length > 1 && !isArgument(parts[0] ?? '')) {
    throw new OcicatError('invalid', `network "${name}" provided with invalid arguments: [${parts.join(' ')}]`);
  }
  if (args !== '' && (name === 'all' || name === 'host')) {
    throw new OcicatError('invalid', `arguments are not supported by special netname "${name}"`);
  }
  return { name, args };
}

/**
 * The items of a value, at its commas. One that has a `=` before any `:` names no network: it belongs to the arguments
 * before it, as in `network1:LABELS=app=web,tier=front`.
 */
function splitItems(value: string): readonly string[] {
  const items: string[] = [];
  for (const part of value.split(',')) {
    const before = items.at(-1);
    if (before?.includes(':') && /^[^:=]+=[^:]*$/.test(part)) items[items.length - 1] = `${before},${part}`;
    else items.push(part);
  }
  return items;
}

function refuseDuplicates(items: readonly WantedNetwork[]): void {
  const seen = new Set<string>();
  for (const { name } of items) {
    if (seen.has(name)) throw new OcicatError('invalid', `found duplicate netname "${name}"`);
    seen.add(name);
  }
}

/**
 * `values` are those of every `--net`; none means the `default` network. Named networks bring `default-restricted` with
 * them unless `default` or it is among them: that is how a pod keeps a way to its host.
 */
export function parseNetList(values: readonly string[]): NetList {
  const items = values.flatMap(splitItems).map(parseItem);
  refuseDuplicates(items);
  const has = (name: string): boolean => items.some((item) => item.name === name);
  const named = items.filter((item) => !special.has(item.name));
  if (has('host')) return { kind: 'host' };
  if (has('none')) return { kind: 'none' };
  if (has('all')) return { kind: 'all', named };
  if (named.length === 0) return { kind: 'networks', named: [{ name: 'default', args: '' }] };
  if (has('default') || has('default-restricted')) return { kind: 'networks', named };
  return { kind: 'networks', named: [...named, { name: 'default-restricted', args: '' }] };
}
