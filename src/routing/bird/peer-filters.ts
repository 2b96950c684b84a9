// BGPFilters in BIRD's language: one function for each filter and direction, called by the sessions that name it.
import { OcicatError } from '../../base/errors.ts';
import { shortHash } from '../../base/hash.ts';
import { formatCidr } from '../../net/cidr.ts';
import { bitsOf, type Family } from '../../net/ip.ts';
import type { Community, FamilyFilter, FilterMatch, FilterOperation, FilterRule, RoutingInput } from '../input.ts';
import type { BgpSession } from '../session.ts';
import { preferenceOf } from './priority.ts';

export type Direction = 'import' | 'export';

/** BIRD 2 takes names of 64 characters at most; so much of it is left for a filter's. */
const MAX_NAME_LENGTH = 54;
const HASH_LENGTH = 16;

/** A name that fits: what is too long ends with a hash, set apart by what no resource name has. */
function symbolOf(name: string): string {
  if (name.length <= MAX_NAME_LENGTH) return name;
  return `${name.slice(0, MAX_NAME_LENGTH - HASH_LENGTH - 1)}:${shortHash(name, HASH_LENGTH)}`;
}

function functionName(name: string, family: Family, direction: Direction): string {
  if (!/^[a-z0-9.-]+$/.test(name))
    throw new OcicatError(
      'invalid',
      `write BIRD configuration: ${JSON.stringify(name)} is not the name of a BGPFilter`,
    );
  return `'${direction}_v${family}:${symbolOf(name)}'`;
}

/** The calls of a session's filters, each ending the matter or coming back. */
export function filterCalls(session: BgpSession, family: Family, direction: Direction): readonly string[] {
  const sameAs = session.asNumber === session.localAsNumber;
  return session.filters.map((name) => `${functionName(name, family, direction)}(${sameAs});`);
}

/** `(64512, 100) ~ bgp_community` is how BIRD asks and adds, with one list for each length. */
export function communityList(community: Community): 'bgp_community' | 'bgp_large_community' {
  return community.length === 2 ? 'bgp_community' : 'bgp_large_community';
}

function rangeCondition(range: NonNullable<FilterMatch['range']>, family: Family): string {
  const text = formatCidr(range.cidr);
  const { minPrefixLength = range.cidr.prefixLength, maxPrefixLength = bitsOf(family) } = range;
  // BIRD refuses a window that no length is in
  if (minPrefixLength > maxPrefixLength && range.operator === 'in') return 'false';
  if (minPrefixLength > maxPrefixLength && range.operator === 'not-in') return 'true';
  switch (range.operator) {
    case 'equal':
      return `net = ${text}`;
    case 'not-equal':
      return `net != ${text}`;
    case 'in':
      return `net ~ [ ${text}{${minPrefixLength},${maxPrefixLength}} ]`;
    case 'not-in':
      return `net !~ [ ${text}{${minPrefixLength},${maxPrefixLength}} ]`;
  }
}

function conditions(match: FilterMatch, family: Family): readonly string[] {
  const { range, interfacePattern, community, asPathPrefix, priority } = match;
  const all: string[] = [];
  if (match.peers !== undefined) all.push(match.peers === 'internal' ? 'same_as' : '!same_as');
  if (range !== undefined) all.push(rangeCondition(range, family));
  if (match.fromPeers) all.push('source = RTS_BGP');
  if (interfacePattern !== undefined) all.push(`ifname ~ ${quotePattern(interfacePattern)}`);
  if (community !== undefined) all.push(`(${community.join(', ')}) ~ ${communityList(community)}`);
  if (asPathPrefix !== undefined) all.push(`bgp_path ~ [= ${[...asPathPrefix, '*'].join(' ')} =]`);
  if (priority !== undefined) all.push(`defined(bgp_local_pref) && bgp_local_pref = ${preferenceOf(priority)}`);
  return all;
}

/** Interface names and patterns cannot hold what would end a text of BIRD's. Throws `invalid`. */
export function quotePattern(text: string): string {
  if (!/^[\x21\x23-\x7e]+$/.test(text))
    throw new OcicatError('invalid', `write BIRD configuration: ${JSON.stringify(text)} is not an interface pattern`);
  return `"${text}"`;
}

function operationLines(operation: FilterOperation): readonly string[] {
  switch (operation.kind) {
    case 'add-community':
      return [`${communityList(operation.community)}.add((${operation.community.join(', ')}));`];
    case 'prepend':
      // one at a time before the path: the last one is prepended first
      return operation.asNumbers.toReversed().map((asNumber) => `bgp_path.prepend(${asNumber});`);
    case 'set-priority':
      return [`bgp_local_pref = ${preferenceOf(operation.priority)};`];
  }
}

function ruleLines(rule: FilterRule, family: Family): readonly string[] {
  const all = conditions(rule.match, family);
  const actions = [...rule.operations.flatMap(operationLines), rule.accept ? 'accept;' : 'reject;'];
  return [`  if ${all.length === 0 ? 'true' : all.join(' && ')} then { ${actions.join(' ')} }`];
}

function hasRules({ importRules, exportRules }: FamilyFilter): boolean {
  return importRules.length > 0 || exportRules.length > 0;
}

/**
 * The functions that the sessions call, and those that nobody calls yet: what is wrong in a filter does not come to light
 * with a peer. A filter that does not exist lets nothing pass.
 */
export function filterFunctions(
  input: RoutingInput,
  sessions: readonly BgpSession[],
  family: Family,
): readonly string[] {
  const byName = new Map((input.filters ?? []).map((filter) => [filter.name, filter]));
  const idle = [...byName.values()].filter((filter) => hasRules(filter[family])).map(({ name }) => name);
  const names = [...new Set([...idle, ...sessions.flatMap(({ filters }) => filters)])].sort();
  return names.flatMap((name) =>
    (['import', 'export'] as const).flatMap((direction) => {
      const filter = byName.get(name)?.[family];
      const rules = direction === 'import' ? filter?.importRules : filter?.exportRules;
      return [
        `function ${functionName(name, family, direction)}(bool same_as) {`,
        ...(rules?.flatMap((rule) => ruleLines(rule, family)) ?? ['  reject; # there is no such BGPFilter']),
        '}',
        '',
      ];
    }),
  );
}
