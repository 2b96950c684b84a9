// How many packets, and how many bytes, have come to the counters of rules; and the comments, which say whose they are.
import { tryParseElementOwner } from '../../firewall/rule-owner.ts';
import { message } from '../../nftables/wire.ts';
import { readAttributeList, readAttributes, readText } from '../../sys/netlink.ts';
import { commentIn, textOf } from './decode.ts';
import { dump, type Source } from './observe.ts';

interface Count {
  readonly packets: number;
  readonly bytes: number;
}

interface CountedChain {
  readonly comment: string | undefined;
  /** In order; one that does not count has no count. */
  readonly rules: readonly { readonly comment: string | undefined; readonly count: Count | undefined }[];
}

/** By name. */
export type CountedChains = ReadonlyMap<string, CountedChain>;

/** NFTA_RULE_CHAIN and so on, NFTA_EXPR_NAME and NFTA_EXPR_DATA, NFTA_COUNTER_BYTES and _PACKETS of linux/netfilter/nf_tables.h. */
const RULE = { chain: 2, expressions: 4, userdata: 7 };
const CHAIN = { name: 3, userdata: 12 };
const EXPRESSION = { name: 1, data: 2 };
/** NFTA_SET_NAME and NFTA_SET_EXPR, NFTA_SET_ELEM_LIST_ELEMENTS, NFTA_SET_ELEM_USERDATA and NFTA_SET_ELEM_EXPR. */
const SET = { name: 2, expression: 17 };
const ELEMENT = { list: 3, userdata: 6, expression: 7 };
const COUNTER = { bytes: 1, packets: 2 };
const nothing = new Uint8Array(0);

function readBe64(bytes: Uint8Array = nothing): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** Undefined for another expression than a counter. */
function tryReadCount(expression: ReadonlyMap<number, Uint8Array>): Count | undefined {
  if (readText(expression.get(EXPRESSION.name) ?? nothing) !== 'counter') return undefined;
  const counter = readAttributes(expression.get(EXPRESSION.data) ?? nothing);
  return { packets: readBe64(counter.get(COUNTER.packets)), bytes: readBe64(counter.get(COUNTER.bytes)) };
}

function countOf(rule: ReadonlyMap<number, Uint8Array>): Count | undefined {
  for (const { value } of readAttributeList(rule.get(RULE.expressions) ?? nothing)) {
    const count = tryReadCount(readAttributes(value));
    if (count !== undefined) return count;
  }
  return undefined;
}

type CountedRule = CountedChain['rules'][number];

/** Takes what stands for a rule of another chain, as its comment says. */
type TakeOwned = (comment: string | undefined, count: Count | undefined) => void;

/** Of sets whose elements count. */
function readElements(source: Source, take: TakeOwned): void {
  const sets: string[] = [];
  dump(source, message.getSet, [[1, source.table]], (set) => {
    if (set.has(SET.expression)) sets.push(textOf(set, SET.name));
  });
  for (const set of sets) {
    const target = [[1, source.table] as const, [2, set] as const];
    dump(source, message.getSetElem, target, (attributes) => {
      for (const { value } of readAttributeList(attributes.get(ELEMENT.list) ?? nothing)) {
        const element = readAttributes(value);
        const count = tryReadCount(readAttributes(element.get(ELEMENT.expression) ?? nothing));
        take(commentIn(element.get(ELEMENT.userdata)), count);
      }
    });
  }
}

/** A rule that is merged with others stands behind those of its chain, which may be no chain of the kernel then. */
export function readCountedChains(source: Source): CountedChains {
  const chains = new Map<string, { comment: string | undefined; rules: CountedRule[] }>();
  const owned: (readonly [chain: string, rule: CountedRule])[] = [];
  const takeOwned: TakeOwned = (comment, count) => {
    const owner = tryParseElementOwner(comment);
    if (owner !== undefined) owned.push([owner.chain, { comment: owner.rule, count }]);
  };
  dump(source, message.getChain, [], (chain) => {
    chains.set(textOf(chain, CHAIN.name), { comment: commentIn(chain.get(CHAIN.userdata)), rules: [] });
  });
  dump(source, message.getRule, [[1, source.table]], (rule) => {
    const counted = { comment: commentIn(rule.get(RULE.userdata)), count: countOf(rule) };
    chains.get(textOf(rule, RULE.chain))?.rules.push(counted);
    takeOwned(counted.comment, counted.count);
  });
  readElements(source, takeOwned);
  for (const [name, rule] of owned) {
    const chain = chains.get(name) ?? { comment: undefined, rules: [] };
    chains.set(name, chain);
    chain.rules.push(rule);
  }
  return chains;
}
