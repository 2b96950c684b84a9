// How many packets, and how many bytes, have come to the counters of rules; and the comments, which say whose they are.
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
const COUNTER = { bytes: 1, packets: 2 };
const nothing = new Uint8Array(0);

function readBe64(bytes: Uint8Array = nothing): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

function countOf(rule: ReadonlyMap<number, Uint8Array>): Count | undefined {
  for (const { value } of readAttributeList(rule.get(RULE.expressions) ?? nothing)) {
    const expression = readAttributes(value);
    if (readText(expression.get(EXPRESSION.name) ?? nothing) !== 'counter') continue;
    const counter = readAttributes(expression.get(EXPRESSION.data) ?? nothing);
    return { packets: readBe64(counter.get(COUNTER.packets)), bytes: readBe64(counter.get(COUNTER.bytes)) };
  }
  return undefined;
}

export function readCountedChains(source: Source): CountedChains {
  const chains = new Map<string, { comment: string | undefined; rules: CountedChain['rules'][number][] }>();
  dump(source, message.getChain, [], (chain) => {
    chains.set(textOf(chain, CHAIN.name), { comment: commentIn(chain.get(CHAIN.userdata)), rules: [] });
  });
  dump(source, message.getRule, [[1, source.table]], (rule) => {
    const counted = { comment: commentIn(rule.get(RULE.userdata)), count: countOf(rule) };
    chains.get(textOf(rule, RULE.chain))?.rules.push(counted);
  });
  return chains;
}
