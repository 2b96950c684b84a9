// The rules of a chain with what they have counted.
import { printRuleKey } from '../../nftables/expression.ts';
import type { CountedRule } from '../../nftables/kept-counts.ts';
import type { Count } from '../../nftables/nft.ts';
import { message } from '../../nftables/wire.ts';
import { readAttributeList, readAttributes, readText } from '../../sys/netlink.ts';
import { commentIn, decodeExpressions } from './decode.ts';
import { dump, type Source } from './observe.ts';

type Attributes = ReadonlyMap<number, Uint8Array>;

/** NFTA_RULE_CHAIN and so on, NFTA_EXPR_NAME and NFTA_EXPR_DATA, NFTA_COUNTER_BYTES and _PACKETS of linux/netfilter/nf_tables.h. */
const RULE = { chain: 2, expressions: 4, userdata: 7 };
const EXPRESSION = { name: 1, data: 2 };
const COUNTER = { bytes: 1, packets: 2 };
const nothing = new Uint8Array(0);

function readBe64(bytes: Uint8Array = nothing): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** Undefined for another expression than a counter. */
export function tryReadCount(expression: Attributes): Count | undefined {
  if (readText(expression.get(EXPRESSION.name) ?? nothing) !== 'counter') return undefined;
  const counter = readAttributes(expression.get(EXPRESSION.data) ?? nothing);
  return { packets: readBe64(counter.get(COUNTER.packets)), bytes: readBe64(counter.get(COUNTER.bytes)) };
}

function countOf(rule: Attributes): Count | undefined {
  for (const { value } of readAttributeList(rule.get(RULE.expressions) ?? nothing)) {
    const count = tryReadCount(readAttributes(value));
    if (count !== undefined) return count;
  }
  return undefined;
}

/** Of one chain: a dump of all takes long where there are many (see observeRules). */
function dumpRules<T>(source: Source, chain: string, make: (rule: Attributes) => T): readonly T[] {
  const rules: T[] = [];
  const place = [
    [1, source.table],
    [RULE.chain, chain],
  ] as const;
  dump(source, message.getRule, place, (rule) => rules.push(make(rule)));
  return rules;
}

interface OwnedCount {
  readonly comment: string | undefined;
  /** Undefined for one that does not count. */
  readonly count: Count | undefined;
}

const ownedOf = (rule: Attributes): OwnedCount => ({
  comment: commentIn(rule.get(RULE.userdata)),
  count: countOf(rule),
});

/** Whose the rules are, and what they have counted. */
export function readCounts(source: Source, chain: string): readonly OwnedCount[] {
  return dumpRules(source, chain, ownedOf);
}

/** Those that count, to go on with what they have counted. */
export function readCountedRules(source: Source, chain: string): readonly CountedRule[] {
  const rules = dumpRules(source, chain, (rule): CountedRule | undefined => {
    const { comment, count } = ownedOf(rule);
    return count && { key: printRuleKey(decodeExpressions(rule), undefined), comment, count };
  });
  return rules.filter((rule) => rule !== undefined);
}
