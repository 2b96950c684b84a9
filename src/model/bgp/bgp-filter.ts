// BGPFilter: which routes BGP peers send and take (Calico v3.33, api/pkg/apis/projectcalico/v3/bgpfilter.go).
import { cidrFamily, isMasked, tryParseCidr } from '../../net/cidr.ts';
import type { Family } from '../../net/ip.ts';
import { choice, integer, parsedText, text } from '../../schema/scalars.ts';
import {
  between,
  type Infer,
  list,
  namesOf,
  type ObjectOf,
  object,
  optional,
  required,
  sparse,
  whenWritten,
} from '../../schema/schema.ts';
import { defineKind } from '../meta/kind.ts';
import type { Resource } from '../meta/resource.ts';
import { asNumber } from '../meta/values.ts';
import { community, routePriority } from './bgp-values.ts';

const interfacePattern = text({
  wanted: 'an interface name: 1 to 15 letters, digits, "_", ".", "-" and "*" for any letters',
  pattern: /^[a-zA-Z0-9_.*-]{1,15}$/,
});

const operationFields = {
  addCommunity: optional(object({ value: required(community, 'The community.') }), 'Tags the route.'),
  prependASPath: optional(
    object({ prefix: required(list(asNumber, { minItems: 1, maxItems: 10 }), 'The AS numbers.') }),
    'Puts AS numbers before the path.',
  ),
  setPriority: optional(
    object({ value: required(routePriority, 'The priority.') }),
    'Sets the priority in the kernel.',
  ),
};
const operation = object(
  operationFields,
  between([], (_, report, isPresent) => {
    const operations = namesOf(operationFields).filter(isPresent);
    if (operations.length !== 1) report('', 'one operation', operations.join(' and ') || 'nothing');
  }),
);

function filterRules(family: Family) {
  const range = parsedText(`an IPv${family} range, host bits zero`, (value) => {
    const parsed = tryParseCidr(value);
    return parsed !== undefined && cidrFamily(parsed) === family && isMasked(parsed) ? value : undefined;
  });
  const length = integer(0, family === 4 ? 32 : 128);
  const fields = {
    cidr: sparse(range, 'The range that the route is held against; with matchOperator.'),
    prefixLength: optional(
      object({
        min: optional(length, 'The shortest prefix.'),
        max: optional(length, 'The longest prefix.'),
      }),
      'Prefix lengths of routes inside the range.',
    ),
    source: sparse(choice('RemotePeers'), 'Where the route was learned.'),
    interface: sparse(interfacePattern, 'The interface of the route.'),
    matchOperator: sparse(choice('Equal', 'NotEqual', 'In', 'NotIn'), 'How the route is held against the range.'),
    peerType: sparse(choice('eBGP', 'iBGP'), 'The kind of peer.'),
    communities: optional(
      object({ values: required(list(community, { minItems: 1, maxItems: 1 }), 'The community.') }),
      'A community that the route has.',
    ),
    asPathPrefix: sparse(list(asNumber), 'What the path of the route begins with.'),
    priority: optional(routePriority, 'The priority of the route.'),
    action: required(choice('Accept', 'Reject'), 'What happens to the route.'),
    operations: sparse(list(operation, { minItems: 1, maxItems: 10 }), 'What is changed in an accepted route.'),
  };
  return list(
    object(
      fields,
      between([], (_, report, isPresent) => {
        if (isPresent('cidr') && !isPresent('matchOperator')) report('matchOperator', 'an operator beside cidr');
        if (isPresent('cidr')) return;
        const others = (['matchOperator', 'prefixLength'] as const).filter(isPresent);
        if (others.length > 0) report('cidr', `a range beside ${others.join(' and ')}`);
      }),
      whenWritten(
        between(['prefixLength'], ({ prefixLength: { min, max } = {} }, report) => {
          if (min !== undefined && max !== undefined && min > max) report('prefixLength.min', `at most max, ${max}`);
        }),
      ),
      whenWritten(
        between(['cidr', 'prefixLength'], ({ cidr, prefixLength: { max } = {} }, report) => {
          const shortest = tryParseCidr(cidr ?? '')?.prefixLength ?? 0;
          if (max !== undefined && max < shortest) report('prefixLength.max', `at least that of cidr, ${shortest}`);
        }),
      ),
      between(['action'], ({ action }, report, isPresent) => {
        if (action === 'Reject' && isPresent('operations')) report('operations', 'nothing beside action Reject');
      }),
    ),
  );
}

const specFields = {
  exportV4: sparse(filterRules(4), 'Rules for IPv4 routes that are sent, in order.'),
  importV4: sparse(filterRules(4), 'Rules for IPv4 routes that are received, in order.'),
  exportV6: sparse(filterRules(6), 'Rules for IPv6 routes that are sent, in order.'),
  importV6: sparse(filterRules(6), 'Rules for IPv6 routes that are received, in order.'),
};
const spec = object(specFields);

type BGPFilterSpec = ObjectOf<typeof specFields>;
export type BGPFilterRule = Infer<ReturnType<typeof filterRules>>[number];
export type BGPFilter = Resource<BGPFilterSpec, undefined, 'BGPFilter'>;

export const bgpFilter = defineKind({
  name: 'BGPFilter',
  plural: 'bgpfilters',
  aliases: ['bgpfilter', 'bgpf', 'bgpfs', 'bf', 'bfs'],
  doc: 'Which routes are sent to BGP peers and taken from them. BGPPeers name the filters that apply to them.',
  spec,
  columns: [
    { heading: 'NAME', value: (one) => one.metadata.name },
    { heading: 'NUMEXPORTV4', value: (one) => String(one.spec.exportV4?.length ?? 0) },
    { heading: 'NUMIMPORTV4', value: (one) => String(one.spec.importV4?.length ?? 0) },
    { heading: 'NUMEXPORTV6', value: (one) => String(one.spec.exportV6?.length ?? 0) },
    { heading: 'NUMIMPORTV6', value: (one) => String(one.spec.importV6?.length ?? 0) },
  ],
  table: ['NAME', 'NUMEXPORTV4', 'NUMIMPORTV4', 'NUMEXPORTV6', 'NUMIMPORTV6'],
});
