// The rules that the agent puts first in the chain FORWARD of iptables, each in both spellings: for nf_tables as iptables(8)
// itself would write it, so that it shows them, and as arguments of iptables-legacy(8).
import { linkGroups } from '../../net/link-groups.ts';
import { bytesOfInterfaceName } from '../../nftables/bytes.ts';
import type { Expression } from '../../nftables/expression.ts';
import type { ForwardFilter } from './filter.ts';

export interface AcceptRule {
  readonly expressions: readonly Expression[];
  /** Arguments of iptables, but for the comment and the target. */
  readonly args: readonly string[];
}

/** NFT_REG_1. */
const REGISTER = 1;
const PREFIX = 'cali';

function accepting(args: readonly string[], conditions: readonly Expression[]): AcceptRule {
  const accept: Expression = { name: 'immediate', values: { dreg: 0, value: { kind: 'accept' } } };
  return { args, expressions: [...conditions, { name: 'counter', values: {} }, accept] };
}

/** `key`: NFT_META_IIFNAME or NFT_META_OIFNAME. */
function byName(flag: string, key: number): AcceptRule {
  const data = bytesOfInterfaceName(PREFIX).slice(0, PREFIX.length);
  return accepting(
    [flag, `${PREFIX}+`],
    [
      { name: 'meta', values: { dreg: REGISTER, key } },
      { name: 'cmp', values: { sreg: REGISTER, op: 0, data } },
    ],
  );
}

/** In the host's order, which is little-endian wherever this runs. */
function bytesOfWord(word: number): string {
  return String.fromCharCode(word & 255, (word >>> 8) & 255, (word >>> 16) & 255, word >>> 24);
}

/**
 * The extension of iptables: the program does not read nftables' own `iifgroup`. Its structure is flags, then group and mask of
 * each side, filled up to eight bytes (linux/netfilter/xt_devgroup.h).
 */
function byGroup(flag: string, group: number): AcceptRule {
  const [source, destination] = flag === '--src-group' ? [group, 0] : [0, group];
  const side = (one: number) => [one, one === 0 ? 0 : 0xffffffff];
  const words = [flag === '--src-group' ? 1 : 4, ...side(source), ...side(destination), 0];
  const info = words.map(bytesOfWord).join('');
  return accepting(
    ['-m', 'devgroup', flag, `0x${group.toString(16)}`],
    [{ name: 'match', values: { name: 'devgroup', revision: 0, info } }],
  );
}

/** For packets from and to workloads. */
export const WORKLOAD_RULES: readonly AcceptRule[] = [byName('-i', 6), byName('-o', 7)];

/** For pods of rkt's own network `default`: rkt's table decides who reaches them, as that of the agent does for workloads. */
const DEFAULT_RULES: readonly AcceptRule[] = ['--src-group', '--dst-group'].map((flag) =>
  byGroup(flag, linkGroups.default),
);

/** All that belongs into a chain; `default` has IPv4 alone. */
export function acceptRulesFor({ family }: Pick<ForwardFilter, 'family'>): readonly AcceptRule[] {
  return family === 'ip6' ? WORKLOAD_RULES : [...WORKLOAD_RULES, ...DEFAULT_RULES];
}
