// Reads what iptables-save(8) prints of the table filter, as far as it matters to forwarded packets of workloads.

import { tryParseCidrOrIp } from '../../net/cidr.ts';
import type { Family } from '../../net/ip.ts';
import { bytesOfIp, maskBytes } from '../../nftables/bytes.ts';
import {
  FORWARD_COMMENT,
  type ForwardAction,
  type ForwardCondition,
  type ForwardFilter,
  type ForwardRule,
  type Span,
  spanOfName,
} from './filter.ts';

const BASE_CHAIN = 'FORWARD';
const FINAL_TARGETS: Readonly<Record<string, ForwardAction>> = {
  ACCEPT: { kind: 'accept' },
  DROP: { kind: 'drop' },
  REJECT: { kind: 'drop' },
  RETURN: { kind: 'return' },
  NFQUEUE: { kind: 'accept' }, // a program decides
};

/** Arguments, each in double quotes as one. */
function splitArguments(line: string): readonly string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    (match) => match[2] ?? (match[1] ?? '').replace(/\\(.)/g, '$1'),
  );
}

function addressSpan(text: string, family: Family): Span | undefined {
  const cidr = tryParseCidrOrIp(text);
  if (cidr === undefined) return undefined;
  const first = bytesOfIp(cidr.address);
  const mask = maskBytes(cidr.prefixLength, family === 4 ? 4 : 16);
  const last = [...first].map((byte, at) => String.fromCharCode(byte.charCodeAt(0) | (~mask.charCodeAt(at) & 255)));
  return { first, last: last.join('') };
}

function readInterface(direction: 'in' | 'out', value: string, negated: boolean): ForwardCondition {
  const isPrefix = value.endsWith('+');
  const names = [spanOfName(isPrefix ? value.slice(0, -1) : value, isPrefix)];
  return { kind: 'interface', direction, names, negated };
}

function readAddress(
  side: 'source' | 'destination',
  value: string,
  negated: boolean,
  family: Family,
): ForwardCondition {
  const span = addressSpan(value, family);
  return span === undefined ? { kind: 'other' } : { kind: 'address', side, family, ranges: [span], negated };
}

/** Undefined for options that are no condition: modules that are named before their options, and comments. */
function readOption(option: string, value: string, negated: boolean, family: Family): ForwardCondition | undefined {
  switch (option) {
    case '-i':
      return readInterface('in', value, negated);
    case '-o':
      return readInterface('out', value, negated);
    case '-s':
      return readAddress('source', value, negated, family);
    case '-d':
      return readAddress('destination', value, negated, family);
    case '--ctstate':
    case '--state':
      return { kind: 'state', opening: value.split(',').includes('NEW') !== negated };
    case '-m':
    case '--comment':
      return undefined;
    default:
      return { kind: 'other' };
  }
}

function readAction(option: '-j' | '-g', target: string, chains: ReadonlySet<string>): ForwardAction {
  if (chains.has(target)) return { kind: option === '-j' ? 'jump' : 'goto', chain: target };
  return FINAL_TARGETS[target] ?? { kind: 'continue' };
}

/** Of the arguments behind `-A CHAIN`. What stands behind the target are its own options. */
function readRule(args: readonly string[], place: string, family: Family, chains: ReadonlySet<string>): ForwardRule {
  const conditions: ForwardCondition[] = [];
  let action: ForwardAction = { kind: 'continue' };
  let negated = false;
  for (let at = 0; at < args.length; at++) {
    const [option = '', value = ''] = args.slice(at, at + 2);
    if (option === '!') {
      negated = true;
    } else if (option === '-j' || option === '-g') {
      action = readAction(option, value, chains);
      break;
    } else if (option.startsWith('-')) {
      const condition = readOption(option, value, negated, family);
      if (condition !== undefined) conditions.push(condition);
      negated = false;
    }
  }
  const isOurs = args[args.indexOf('--comment') + 1] === FORWARD_COMMENT && args.includes('--comment');
  return { place, conditions, action, isOurs };
}

/** The filter that the text says; the text is of the table `filter` alone. */
export function parseIptablesSave(text: string, family: 'ip' | 'ip6'): ForwardFilter {
  const lines = text.split('\n').map(splitArguments);
  const heads = lines.flatMap(([first = '', policy]) =>
    first.startsWith(':') ? [[first.slice(1), policy] as const] : [],
  );
  const names = new Set(heads.map(([name]) => name));
  const chains = new Map<string, ForwardRule[]>(heads.map(([name]) => [name, []]));
  for (const [verb, chain = '', ...args] of lines) {
    const rules = verb === '-A' ? chains.get(chain) : undefined;
    rules?.push(readRule(args, `rule ${rules.length + 1}`, family === 'ip' ? 4 : 6, names));
  }
  const policy = heads.find(([name]) => name === BASE_CHAIN)?.[1] === 'DROP' ? 'drop' : 'accept';
  return { backend: 'legacy', family, table: 'filter', chain: BASE_CHAIN, policy, chains };
}
