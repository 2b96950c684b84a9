// From a BGPFilter of the store to what routing follows from.
import type { BGPFilter, BGPFilterRule } from '../model/bgp/bgp-filter.ts';
import { parseCidr } from '../net/cidr.ts';
import type { BgpFilter, Community, FamilyFilter, FilterMatch, FilterOperation, FilterRule } from './input.ts';

const OPERATORS = { Equal: 'equal', NotEqual: 'not-equal', In: 'in', NotIn: 'not-in' } as const;

function parseCommunity(text: string): Community {
  const [first = 0, second = 0, third] = text.split(':').map(Number);
  return third === undefined ? [first, second] : [first, second, third];
}

function parseRange(rule: BGPFilterRule): FilterMatch['range'] {
  if (!rule.cidr || !rule.matchOperator) return undefined;
  const { min, max } = rule.prefixLength ?? {};
  return {
    cidr: parseCidr(rule.cidr),
    operator: OPERATORS[rule.matchOperator],
    ...(min === undefined ? {} : { minPrefixLength: min }),
    ...(max === undefined ? {} : { maxPrefixLength: max }),
  };
}

function parseMatch(rule: BGPFilterRule): FilterMatch {
  const range = parseRange(rule);
  const [community] = rule.communities?.values ?? [];
  return {
    ...(range === undefined ? {} : { range }),
    ...(rule.source ? { fromPeers: true } : {}),
    ...(rule.interface ? { interfacePattern: rule.interface } : {}),
    ...(rule.peerType ? { peers: rule.peerType === 'iBGP' ? 'internal' : 'external' } : {}),
    ...(community === undefined ? {} : { community: parseCommunity(community) }),
    ...(rule.asPathPrefix === undefined || rule.asPathPrefix.length === 0 ? {} : { asPathPrefix: rule.asPathPrefix }),
    ...(rule.priority === undefined ? {} : { priority: rule.priority }),
  };
}

type Operation = NonNullable<BGPFilterRule['operations']>[number];

function parseOperation(operation: Operation): readonly FilterOperation[] {
  const { addCommunity, prependASPath, setPriority } = operation;
  if (addCommunity !== undefined) return [{ kind: 'add-community', community: parseCommunity(addCommunity.value) }];
  if (prependASPath !== undefined) return [{ kind: 'prepend', asNumbers: prependASPath.prefix }];
  return setPriority === undefined ? [] : [{ kind: 'set-priority', priority: setPriority.value }];
}

function parseRule(rule: BGPFilterRule): FilterRule {
  const operations = (rule.operations ?? []).flatMap(parseOperation);
  return { match: parseMatch(rule), accept: rule.action === 'Accept', operations };
}

type Rules = readonly BGPFilterRule[] | undefined;

function parseFamily(exported: Rules, imported: Rules): FamilyFilter {
  return { exportRules: (exported ?? []).map(parseRule), importRules: (imported ?? []).map(parseRule) };
}

export function parseBgpFilter(filter: BGPFilter): BgpFilter {
  const { exportV4, importV4, exportV6, importV6 } = filter.spec;
  return { name: filter.metadata.name, 4: parseFamily(exportV4, importV4), 6: parseFamily(exportV6, importV6) };
}
