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

/** Words, those in double quotes as one. */
function splitWords(line: string): readonly string[] {
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

function readInterface(direction: 'in' | 'out', word: string, negated: boolean): ForwardCondition {
  const isPrefix = word.endsWith('+');
  const names = [spanOfName(isPrefix ? word.slice(0, -1) : word, isPrefix)];
  return { kind: 'interface', direction, names, negated };
}

function readAddress(side: 'source' | 'destination', word: string, negated: boolean, family: Family): ForwardCondition {
  const span = addressSpan(word, family);
  return span === undefined ? { kind: 'other' } : { kind: 'address', side, family, ranges: [span], negated };
}

/** Undefined for words that are no condition: modules that are named before their options, and comments. */
function readOption(option: string, word: string, negated: boolean, family: Family): ForwardCondition | undefined {
  switch (option) {
    case '-i':
      return readInterface('in', word, negated);
    case '-o':
      return readInterface('out', word, negated);
    case '-s':
      return readAddress('source', word, negated, family);
    case '-d':
      return readAddress('destination', word, negated, family);
    case '--ctstate':
    case '--state':
      return { kind: 'state', opening: word.split(',').includes('NEW') !== negated };
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

/** Of the words behind `-A CHAIN`. What stands behind the target are its own options. */
function readRule(words: readonly string[], place: string, family: Family, chains: ReadonlySet<string>): ForwardRule {
  const conditions: ForwardCondition[] = [];
  let action: ForwardAction = { kind: 'continue' };
  let negated = false;
  for (let at = 0; at < words.length; at++) {
    const [option = '', word = ''] = words.slice(at, at + 2);
    if (option === '!') {
      negated = true;
    } else if (option === '-j' || option === '-g') {
      action = readAction(option, word, chains);
      break;
    } else if (option.startsWith('-')) {
      const condition = readOption(option, word, negated, family);
      if (condition !== undefined) conditions.push(condition);
      negated = false;
    }
  }
  const isOurs = words[words.indexOf('--comment') + 1] === FORWARD_COMMENT && words.includes('--comment');
  return { place, conditions, action, isOurs };
}

/** The filter that the text says; the text is of the table `filter` alone. */
export function parseIptablesSave(text: string, family: 'ip' | 'ip6'): ForwardFilter {
  const lines = text.split('\n').map(splitWords);
  const heads = lines.flatMap(([first = '', policy]) =>
    first.startsWith(':') ? [[first.slice(1), policy] as const] : [],
  );
  const names = new Set(heads.map(([name]) => name));
  const chains = new Map<string, ForwardRule[]>(heads.map(([name]) => [name, []]));
  for (const [verb, chain = '', ...words] of lines) {
    const rules = verb === '-A' ? chains.get(chain) : undefined;
    rules?.push(readRule(words, `rule ${rules.length + 1}`, family === 'ip' ? 4 : 6, names));
  }
  const policy = heads.find(([name]) => name === BASE_CHAIN)?.[1] === 'DROP' ? 'drop' : 'accept';
  return { backend: 'legacy', family, table: 'filter', chain: BASE_CHAIN, policy, chains };
}
