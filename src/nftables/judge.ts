// What the rules that the kernel holds do with the first packet of a connection: its expressions, run one by one as the kernel
// runs them. Of a rule that was never ours it may not know what it does, and says so.
import { OcicatError } from '../base/errors.ts';
import { hostBytesOfU32 } from './bytes.ts';
import { type Expression, parseRuleKey } from './expression.ts';
import { ADDRESS_LOCAL, META_MARK } from './fields.ts';
import { type Bytes, type Verdict, verdictIn } from './nft.ts';
import { createRegisters, type Registers } from './registers.ts';
import type { ObservedSet, ObservedTable } from './repair.ts';

/** What expressions look at. */
export interface JudgedPacket {
  /** By the numbers of `enum nft_meta_keys`. */
  readonly meta: ReadonlyMap<number, Bytes>;
  /** By the numbers of `enum nft_payload_bases`: 1 is the network header, 2 the transport header. */
  readonly headers: ReadonlyMap<number, Bytes>;
  /** The destination is this host. */
  readonly isLocal: boolean;
}

export interface Judgement {
  readonly verdict: 'accept' | 'drop';
  /** The rule that decided; undefined when the chain ended without one, which accepts. */
  readonly rule: { readonly chain: string; readonly index: number; readonly comment: string | undefined } | undefined;
}

/** NF_CT_STATE_BIT(IP_CT_NEW). */
const STATE_NEW = 8;
/** RTN_UNICAST: the destination is somebody else's than this host's. */
const ADDRESS_UNICAST = 1;
/** Of `enum nft_ct_keys`. */
const CT_STATE = 0;
const CT_STATUS = 2;
const MAX_DEPTH = 16;

interface Run {
  readonly table: ObservedTable;
  readonly packet: JudgedPacket;
  readonly registers: Registers;
  mark: Bytes;
}

/** The rule goes on, or ends without a verdict, or has one. */
type Outcome = 'next' | 'break' | Verdict;

function unknown(what: string): never {
  throw new OcicatError('unsupported', `judge a packet: a rule has ${what}, which is not of this agent`);
}

function number({ values }: Expression, name: string): number {
  return Number(values[name] ?? 0);
}

function bytes({ values }: Expression, name: string): Bytes {
  const value = values[name];
  return typeof value === 'string' ? value : '';
}

function load(run: Run, expression: Expression, value: Bytes | undefined): Outcome {
  if (value === undefined) return 'break';
  run.registers.set(number(expression, 'dreg'), value);
  return 'next';
}

function runMeta(run: Run, expression: Expression): Outcome {
  const key = number(expression, 'key');
  if ('sreg' in expression.values) {
    if (key !== META_MARK) return unknown(`"meta" ${key}`);
    run.mark = run.registers.get(number(expression, 'sreg'), 4);
    return 'next';
  }
  if (key === META_MARK) return load(run, expression, run.mark);
  const value = run.packet.meta.get(key);
  return value === undefined ? unknown(`"meta" ${key}`) : load(run, expression, value);
}

function runPayload(run: Run, expression: Expression): Outcome {
  const [offset, length] = [number(expression, 'offset'), number(expression, 'length')];
  const header = run.packet.headers.get(number(expression, 'base')) ?? '';
  return load(run, expression, header.length < offset + length ? undefined : header.slice(offset, offset + length));
}

const COMPARE: readonly ((a: Bytes, b: Bytes) => boolean)[] = [
  (a, b) => a === b,
  (a, b) => a !== b,
  (a, b) => a < b,
  (a, b) => a <= b,
  (a, b) => a > b,
  (a, b) => a >= b,
];

function runCompare(run: Run, expression: Expression): Outcome {
  const data = bytes(expression, 'data');
  const compare = COMPARE[number(expression, 'op')] ?? unknown('a comparison');
  return compare(run.registers.get(number(expression, 'sreg'), data.length), data) ? 'next' : 'break';
}

function runRange(run: Run, expression: Expression): Outcome {
  const [first, last] = [bytes(expression, 'first'), bytes(expression, 'last')];
  const value = run.registers.get(number(expression, 'sreg'), first.length);
  return (first <= value && value <= last) === (number(expression, 'op') === 0) ? 'next' : 'break';
}

function runBitwise(run: Run, expression: Expression): Outcome {
  const [mask, xor] = [bytes(expression, 'mask'), bytes(expression, 'xor')];
  const value = run.registers.get(number(expression, 'sreg'), number(expression, 'length'));
  const result = [...value].map((char, at) =>
    String.fromCharCode((char.charCodeAt(0) & mask.charCodeAt(at)) ^ xor.charCodeAt(at)),
  );
  return load(run, expression, result.join(''));
}

/** An interval's key is its first value followed by its last. */
function find({ interval, elements }: ObservedSet, register: (length: number) => Bytes) {
  for (const [key, verdict] of elements) {
    const length = interval ? key.length / 2 : key.length;
    const value = register(length);
    if (!interval ? value === key : key.slice(0, length) <= value && value <= key.slice(length)) return { verdict };
  }
  return undefined;
}

function runLookup(run: Run, expression: Expression): Outcome {
  const set = run.table.sets.get(bytes(expression, 'set')) ?? unknown('a set of its own');
  const found = find(set, (length) => run.registers.get(number(expression, 'sreg'), length));
  if ('dreg' in expression.values) return verdictIn(found?.verdict) ?? 'break';
  return (found !== undefined) !== (number(expression, 'flags') === 1) ? 'next' : 'break';
}

/** A new flow, and nothing translated. */
function runConntrack(run: Run, expression: Expression): Outcome {
  const key = number(expression, 'key');
  if (key !== CT_STATE && key !== CT_STATUS) return unknown(`"ct" ${key}`);
  return load(run, expression, hostBytesOfU32(key === CT_STATE ? STATE_NEW : 0));
}

function runExpression(run: Run, expression: Expression): Outcome {
  switch (expression.name) {
    case 'meta':
      return runMeta(run, expression);
    case 'ct':
      return runConntrack(run, expression);
    case 'fib':
      return load(run, expression, hostBytesOfU32(run.packet.isLocal ? ADDRESS_LOCAL : ADDRESS_UNICAST));
    case 'payload':
      return runPayload(run, expression);
    case 'cmp':
      return runCompare(run, expression);
    case 'range':
      return runRange(run, expression);
    case 'bitwise':
      return runBitwise(run, expression);
    case 'lookup':
      return runLookup(run, expression);
    case 'dynset':
      return 'break'; // one packet is never too many
    case 'counter':
    case 'notrack':
    case 'limit':
    case 'log':
      return 'next';
    case 'reject':
      return { kind: 'drop' };
    case 'immediate': {
      const { value: verdict } = expression.values;
      return typeof verdict === 'object' ? verdict : unknown('an "immediate" value');
    }
    default:
      return unknown(`"${expression.name}"`);
  }
}

function runRule(run: Run, expressions: readonly Expression[]): Verdict | undefined {
  for (const expression of expressions) {
    const outcome = runExpression(run, expression);
    if (outcome === 'break') return undefined;
    if (outcome !== 'next') return outcome;
  }
  return undefined;
}

/** Undefined when the packet comes back undecided. */
function runChain(run: Run, name: string, depth: number): Judgement | undefined {
  const chain = run.table.chains.get(name);
  if (chain === undefined || depth > MAX_DEPTH) return unknown(`no chain "${name}"`);
  for (const [index, text] of chain.rules.entries()) {
    const { expressions, comment } = parseRuleKey(text);
    const verdict = runRule(run, expressions);
    if (verdict === undefined) continue;
    if (!('chain' in verdict)) {
      return verdict.kind === 'return' ? undefined : { verdict: verdict.kind, rule: { chain: name, index, comment } };
    }
    const inner = runChain(run, verdict.chain, depth + 1);
    if (inner !== undefined || verdict.kind === 'goto') return inner;
  }
  return undefined;
}

/** Through one chain that the kernel calls. Throws `unsupported` for rules that are not of this agent's making. */
export function judgePacket(table: ObservedTable, baseChain: string, packet: JudgedPacket): Judgement {
  const run: Run = { table, packet, registers: createRegisters(), mark: hostBytesOfU32(0) };
  return runChain(run, baseChain, 0) ?? { verdict: 'accept', rule: undefined };
}
