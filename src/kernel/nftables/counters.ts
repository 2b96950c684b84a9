// How many packets have come to the counters of rules.
import { message } from '../../nftables/wire.ts';
import { readAttributeList, readAttributes, readText } from '../../sys/netlink.ts';
import { textOf } from './decode.ts';
import { dump, type Source } from './observe.ts';

/** Of each rule of a chain, in order; undefined for one that does not count. */
export type RuleCounts = ReadonlyMap<string, readonly (number | undefined)[]>;

/** NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS, NFTA_EXPR_NAME, NFTA_EXPR_DATA, NFTA_COUNTER_PACKETS of linux/netfilter/nf_tables.h. */
const CHAIN = 2;
const EXPRESSIONS = 4;
const NAME = 1;
const DATA = 2;
const PACKETS = 2;
const nothing = new Uint8Array(0);

function readBe64(bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

function countOf(rule: ReadonlyMap<number, Uint8Array>): number | undefined {
  for (const { value } of readAttributeList(rule.get(EXPRESSIONS) ?? nothing)) {
    const expression = readAttributes(value);
    if (readText(expression.get(NAME) ?? nothing) !== 'counter') continue;
    return readBe64(readAttributes(expression.get(DATA) ?? nothing).get(PACKETS) ?? nothing);
  }
  return undefined;
}

export function readCounts(source: Source): RuleCounts {
  const counts = new Map<string, (number | undefined)[]>();
  dump(source, message.getRule, [[1, source.table]], (rule) => {
    const chain = textOf(rule, CHAIN);
    counts.set(chain, [...(counts.get(chain) ?? []), countOf(rule)]);
  });
  return counts;
}
