// How many packets, and how many bytes, have come to the counters of rules; and the comments, which say whose they are.
import { tryParseElementOwner } from '../../firewall/rule-owner.ts';
import type { Count } from '../../nftables/nft.ts';
import { message } from '../../nftables/wire.ts';
import { readAttributeList, readAttributes } from '../../sys/netlink.ts';
import { readCounts, tryReadCount } from './counted-rules.ts';
import { commentIn, textOf } from './decode.ts';
import { dump, type Source } from './observe.ts';

interface CountedRule {
  readonly comment: string | undefined;
  /** Undefined for one that does not count. */
  readonly count: Count | undefined;
}

interface CountedChain {
  readonly comment: string | undefined;
  /** In order. */
  readonly rules: readonly CountedRule[];
}

/** By name. */
export type CountedChains = ReadonlyMap<string, CountedChain>;

/**
 * NFTA_CHAIN_NAME and NFTA_CHAIN_USERDATA, NFTA_SET_NAME and NFTA_SET_EXPR, NFTA_SET_ELEM_LIST_ELEMENTS, NFTA_SET_ELEM_USERDATA and
 * NFTA_SET_ELEM_EXPR of linux/netfilter/nf_tables.h.
 */
const CHAIN = { name: 3, userdata: 12 };
const SET = { name: 2, expression: 17 };
const ELEMENT = { list: 3, userdata: 6, expression: 7 };
const nothing = new Uint8Array(0);

/** What the elements of sets that count say in their comments, and have counted. */
function readElements(source: Source): readonly CountedRule[] {
  const sets: string[] = [];
  dump(source, message.getSet, [[1, source.table]], (set) => {
    if (set.has(SET.expression)) sets.push(textOf(set, SET.name));
  });
  const counted: CountedRule[] = [];
  for (const set of sets) {
    const target = [[1, source.table] as const, [2, set] as const];
    dump(source, message.getSetElem, target, (attributes) => {
      for (const { value } of readAttributeList(attributes.get(ELEMENT.list) ?? nothing)) {
        const element = readAttributes(value);
        const count = tryReadCount(readAttributes(element.get(ELEMENT.expression) ?? nothing));
        counted.push({ comment: commentIn(element.get(ELEMENT.userdata)), count });
      }
    });
  }
  return counted;
}

/** A rule that is merged with others stands behind those of its chain, which may be no chain of the kernel then. */
export function readCountedChains(source: Source): CountedChains {
  const comments = new Map<string, string | undefined>();
  dump(source, message.getChain, [], (chain) => {
    comments.set(textOf(chain, CHAIN.name), commentIn(chain.get(CHAIN.userdata)));
  });
  const own = [...comments.keys()].map((name) => [name, readCounts(source, name)] as const);
  const chains = new Map(own.map(([name, rules]) => [name, { comment: comments.get(name), rules: [...rules] }]));
  for (const { comment, count } of [...own.flatMap(([, rules]) => rules), ...readElements(source)]) {
    const owner = tryParseElementOwner(comment);
    if (owner === undefined) continue;
    const chain = chains.get(owner.chain) ?? { comment: undefined, rules: [] };
    chains.set(owner.chain, chain);
    chain.rules.push({ comment: owner.rule, count });
  }
  return chains;
}
