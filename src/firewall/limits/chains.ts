// The chains that hold endpoints to their limits. They are in the table as long as some endpoint has a limit: packets of
// workloads pass them before policy decides, so that established connections pass them too.
import { shortHash } from '../../base/hash.ts';
import { bytesOfInterfaceName } from '../../nftables/bytes.ts';
import type { Chain, Field, NftSet, Rule, Statement } from '../../nftables/nft.ts';
import { counter, dropping, goto, isFamily, isIn, isNew, rule, verdictOf } from '../../nftables/statements.ts';
import type { Direction, DirectionLimits, EndpointPolicy } from '../../policy/types/types.ts';
import { directSet } from '../nat/names.ts';

/** 96 bits: no two names of a node will meet. */
const HASH_LENGTH = 16;
/** Before the egress policy (-2), and for marks where routers usually set them. */
const PRIORITY_LIMITS = -3;
const PRIORITY_MARKS = -150;

const FIELDS: Readonly<Record<Direction, 'iifname' | 'oifname'>> = { egress: 'iifname', ingress: 'oifname' };

/** Verdict map: interface name to the chain with its limits. */
function limitsMap(direction: Direction): string {
  return `limits-${direction}`;
}

/** Verdict map: interface name to the chain that marks what is sent by it. */
const DSCP_MAP = 'dscp-marks';

/** An element of a map, and the chain that it leads to. */
export interface Limit {
  readonly map: string;
  readonly key: string;
  readonly chain: Chain;
}

/** `reject`: the chain that answers what is not let through. */
function limitRules({ packets, connections }: DirectionLimits, reject: string): readonly Rule[] {
  const rules: Rule[] = [];
  if (packets !== undefined) {
    const over: Statement = { kind: 'beyond-rate', limit: { ...packets, unit: 'second' } };
    rules.push(dropping('too many packets', over));
  }
  if (connections !== undefined) {
    const over: Statement = { kind: 'beyond-connections', limit: connections };
    rules.push(rule([isNew, over, counter, goto(reject)], 'too many connections'));
  }
  return rules;
}

/** What a rule has counted goes with it: each endpoint has a chain of its own, which lives as long as its limits are these. */
function limitOf(
  { id, interfaceName }: EndpointPolicy,
  direction: Direction,
  limits: DirectionLimits,
  reject: string,
): readonly Limit[] {
  const rules = limitRules(limits, reject);
  if (rules.length === 0) return [];
  const name = `limits-${direction}-${shortHash(JSON.stringify([id, interfaceName, limits]), HASH_LENGTH)}`;
  return [{ map: limitsMap(direction), key: bytesOfInterfaceName(interfaceName), chain: { name, rules } }];
}

/** Packets to other workloads keep what they have. */
function markOf({ interfaceName }: EndpointPolicy, value: number): Limit {
  const mark = (family: 4 | 6): Rule => {
    const destination: Field = family === 4 ? 'daddr4' : 'daddr6';
    const leaves = isIn([destination], directSet(family), true);
    return rule([isFamily(family), leaves, { kind: 'set-dscp', family, value }]);
  };
  return {
    map: DSCP_MAP,
    key: bytesOfInterfaceName(interfaceName),
    chain: { name: `dscp-${value}`, rules: [mark(4), mark(6)] },
  };
}

export function computeLimits(endpoint: EndpointPolicy, reject: string): readonly Limit[] {
  const { limits } = endpoint;
  if (limits === undefined) return [];
  return [
    ...limitOf(endpoint, 'ingress', limits.ingress, reject),
    ...limitOf(endpoint, 'egress', limits.egress, reject),
    ...(limits.dscp === undefined ? [] : [markOf(endpoint, limits.dscp)]),
  ];
}

function lookup(direction: Direction): Rule {
  return rule([verdictOf([FIELDS[direction]], limitsMap(direction))]);
}

/** Where limits are looked up: between workloads, to the world and from it, and from workloads to their host. */
export const LIMIT_CHAINS: readonly Chain[] = [
  {
    name: 'base-limits-forward',
    base: { type: 'filter', hook: 'forward', priority: PRIORITY_LIMITS },
    rules: [lookup('egress'), lookup('ingress')],
  },
  {
    name: 'base-limits-input',
    base: { type: 'filter', hook: 'input', priority: PRIORITY_LIMITS },
    rules: [lookup('egress')],
  },
  {
    name: 'base-dscp',
    base: { type: 'filter', hook: 'forward', priority: PRIORITY_MARKS },
    rules: [rule([verdictOf(['iifname'], DSCP_MAP)])],
  },
];

export const LIMIT_SETS: readonly NftSet['spec'][] = [limitsMap('ingress'), limitsMap('egress'), DSCP_MAP].map(
  (name) => ({ name, key: ['ifname'], interval: false, verdicts: true }),
);
