// One rule of a policy or profile: what it matches, and the verdict (Calico v3.33,
// api/pkg/apis/projectcalico/v3/networkpolicy.go).
import { cidrFamily, parseCidr } from '../../net/cidr.ts';
import type { Family } from '../../net/ip.ts';
import { hasPorts, PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, tryParseProtocol } from '../../net/protocol.ts';
import { choice, integer, numberChoice, parsedText, text } from '../../schema/scalars.ts';
import {
  type Between,
  between,
  list,
  map,
  type ObjectOf,
  object,
  optional,
  required,
  sparse,
} from '../../schema/schema.ts';
import { annotationKey, resourceName } from '../meta/names.ts';
import { ruleNamespaceSelector, selector } from '../meta/selectors.ts';
import { isNamedPort, maskedCidr, protocol, rulePort } from '../meta/values.ts';

/** Rules per direction of one policy or profile. */
const MAX_RULES = 1024;
const MAX_NETS = 256;
const MAX_PORTS = 50;

const notNet = parsedText('a range such as 10.0.0.0/8, host bits zero, that is not everything', (value) => {
  const range = maskedCidr.read(value);
  return typeof range === 'string' && !range.endsWith('/0') ? range : undefined;
});

const services = object({
  name: required(resourceName, 'Name of the service.'),
  namespace: sparse(resourceName, 'Namespace of the service; default: that of the policy.'),
});

const serviceAccounts = object({
  names: sparse(list(resourceName), 'Names of service accounts; any of them.'),
  selector: sparse(selector, 'Labels of the service account.'),
});

const entityFields = {
  nets: sparse(list(maskedCidr, { maxItems: MAX_NETS }), 'Ranges, any of which holds the address.'),
  selector: sparse(selector, 'Endpoints and network sets that have the address, by their labels.'),
  namespaceSelector: sparse(
    ruleNamespaceSelector,
    'Namespaces of these endpoints, by their labels; `global()` alone means what has no namespace.',
  ),
  services: optional(services, 'A Kubernetes service whose endpoints have the address.'),
  ports: sparse(list(rulePort, { maxItems: MAX_PORTS }), 'Ports, ranges of ports and names of ports, any of them.'),
  notNets: sparse(list(notNet, { maxItems: MAX_NETS }), 'Ranges, none of which holds the address.'),
  notSelector: sparse(selector, 'Endpoints and network sets, none of which has the address.'),
  notPorts: sparse(list(rulePort, { maxItems: MAX_PORTS }), 'Ports, none of which is the port.'),
  serviceAccounts: optional(serviceAccounts, 'Service accounts that the endpoints run as.'),
};

/** What a rule asks of the source or of the destination of a packet. */
export type EntityRule = ObjectOf<typeof entityFields>;

function nothingBeside(field: keyof EntityRule, ...others: readonly (keyof EntityRule)[]): Between<EntityRule> {
  return between([], (_, report, isPresent) => {
    if (!isPresent(field)) return;
    for (const other of others) if (isPresent(other)) report(other, `nothing beside ${field}`);
  });
}

const servicesAlone = nothingBeside(
  'services',
  'selector',
  'notSelector',
  'namespaceSelector',
  'nets',
  'notNets',
  'serviceAccounts',
);
const noPortsBesideServices = nothingBeside('services', 'ports', 'notPorts');

function noServices(wanted: string): Between<EntityRule> {
  return between([], (_, report, isPresent) => {
    if (isPresent('services')) report('services', wanted, 'services');
  });
}

const icmp = object(
  {
    type: optional(integer(0, 254), 'The ICMP type.'),
    code: optional(integer(0, 255), 'The ICMP code; needs a type.'),
  },
  between([], (_, report, isPresent) => {
    if (isPresent('code') && !isPresent('type')) report('type', 'a type beside the code');
  }),
);

const httpPathText = text({
  wanted: 'a path of at most 1024 characters that begins with "/" and has no "?", "#" or space',
  pattern: /^\/[^?#\s]*$/,
  maxLength: 1024,
});
const httpPath = object(
  { exact: sparse(httpPathText, 'The whole path.'), prefix: sparse(httpPathText, 'What the path begins with.') },
  between([], (_, report, isPresent) => {
    if (isPresent('exact') === isPresent('prefix'))
      report('', 'either exact or prefix', isPresent('exact') ? 'both' : 'neither');
  }),
);
const http = object({
  methods: sparse(list(text(), { maxItems: 20, unique: true }), 'Methods, any of them.'),
  paths: sparse(list(httpPath, { maxItems: 20 }), 'Paths, any of them.'),
});

const action = choice('Allow', 'Deny', 'Log', 'Pass');

type EntitySchema = ReturnType<typeof entitySchema>;

/** An entity with the fields of every other, and rules of its own. */
function entitySchema(...own: readonly Between<EntityRule>[]) {
  return object(entityFields, servicesAlone, ...own);
}

function fieldsWith(source: EntitySchema, destination: EntitySchema) {
  return {
    action: required(action, 'Allow and Deny end the evaluation, Pass ends the tier or profile, Log goes on.'),
    ipVersion: optional(numberChoice(4, 6), 'Only packets of this family.'),
    protocol: optional(protocol, 'Only packets of this protocol.'),
    icmp: optional(icmp, 'Only ICMP packets of this type and code; needs protocol ICMP or ICMPv6.'),
    notProtocol: optional(protocol, 'Only packets of another protocol.'),
    notICMP: optional(icmp, 'Only packets that are not of this ICMP type and code.'),
    source: sparse(source, 'What the source must be.'),
    destination: sparse(destination, 'What the destination must be.'),
    http: optional(
      http,
      'Only HTTP requests like these; the kernel cannot tell, so the rule is refused outside of Allow.',
    ),
    metadata: optional(
      object({ annotations: sparse(map(annotationKey, text()), 'Notes, shown as comments of kernel rules.') }),
      'Notes on the rule.',
    ),
  };
}

export type Rule = ObjectOf<ReturnType<typeof fieldsWith>>;

function familyOfProtocol(name: number | string | undefined): Family | undefined {
  const number = name === undefined ? undefined : tryParseProtocol(name);
  if (number === PROTOCOL_ICMP) return 4;
  return number === PROTOCOL_ICMPV6 ? 6 : undefined;
}

const icmpNeedsProtocol: Between<Rule> = between(['protocol'], ({ protocol: name }, report, isPresent) => {
  if (!isPresent('icmp') || familyOfProtocol(name) !== undefined) return;
  report('icmp', 'protocol ICMP or ICMPv6 beside it', 'an ICMP match');
});

function familyOf(field: 'protocol' | 'notProtocol'): Between<Rule> {
  return between(['ipVersion', field], (value, report) => {
    const family = familyOfProtocol(value[field]);
    if (family !== undefined && value.ipVersion !== undefined && value.ipVersion !== family) {
      report(field, `ipVersion ${family} beside it`);
    }
  });
}

const sides = ['source', 'destination'] as const;

function portsNeedProtocol(side: 'source' | 'destination', field: 'ports' | 'notPorts'): Between<Rule> {
  return between(['protocol', `${side}.${field}`], (value, report) => {
    const ports = value[side]?.[field];
    if (ports === undefined) return;
    const number = value.protocol === undefined ? undefined : tryParseProtocol(value.protocol);
    if (number === undefined ? ports.every(isNamedPort) : hasPorts(number)) return;
    const found = number === undefined ? 'ports without a protocol' : `ports with protocol ${value.protocol}`;
    report(`${side}.${field}`, 'protocol TCP, UDP or SCTP beside them', found);
  });
}

function netsOfVersion(side: 'source' | 'destination', field: 'nets' | 'notNets'): Between<Rule> {
  return between(['ipVersion', `${side}.${field}`], (value, report) => {
    if (value.ipVersion === undefined) return;
    for (const [index, net] of (value[side]?.[field] ?? []).entries()) {
      if (cidrFamily(parseCidr(net)) === value.ipVersion) continue;
      report(`${side}.${field}[${index}]`, `a range of ipVersion ${value.ipVersion}`);
    }
  });
}

const netsOfOneFamily: Between<Rule> = between(
  ['ipVersion', 'source.nets', 'source.notNets', 'destination.nets', 'destination.notNets'],
  (value, report) => {
    if (value.ipVersion !== undefined) return;
    let family: Family | undefined;
    for (const side of sides) {
      for (const field of ['nets', 'notNets'] as const) {
        for (const [index, net] of (value[side]?.[field] ?? []).entries()) {
          const own = cidrFamily(parseCidr(net));
          family ??= own;
          if (own !== family) report(`${side}.${field}[${index}]`, 'ranges of one family in a rule');
        }
      }
    }
  },
);

const httpNeedsAllow: Between<Rule> = between(['action'], (value, report, isPresent) => {
  if (value.action === 'Allow' || !isPresent('http')) return;
  report('http', 'action Allow beside it', `an HTTP match with action ${value.action}`);
});

const httpNeedsTcp: Between<Rule> = between(['protocol'], (value, report, isPresent) => {
  if (value.protocol === undefined || !isPresent('http') || tryParseProtocol(value.protocol) === PROTOCOL_TCP) return;
  report('http', 'protocol TCP or none beside it', `an HTTP match with protocol ${value.protocol}`);
});

const noHttp: Between<Rule> = between([], (_, report, isPresent) => {
  if (isPresent('http')) report('http', 'HTTP matches in ingress rules only', 'an HTTP match');
});

/** What holds in rules of both directions. */
const always: readonly Between<Rule>[] = [
  icmpNeedsProtocol,
  familyOf('protocol'),
  familyOf('notProtocol'),
  ...sides.flatMap((side) => [portsNeedProtocol(side, 'ports'), portsNeedProtocol(side, 'notPorts')]),
  ...sides.flatMap((side) => [netsOfVersion(side, 'nets'), netsOfVersion(side, 'notNets')]),
  netsOfOneFamily,
  httpNeedsAllow,
  httpNeedsTcp,
];

/** A rule of either direction, wherever it stands. */
export const rule = object(fieldsWith(entitySchema(), entitySchema(noPortsBesideServices)), ...always);

/** The rules of both directions; `services`: what holds for services besides. */
function rulesWith(...services: readonly Between<EntityRule>[]) {
  const ingress = fieldsWith(
    entitySchema(...services),
    entitySchema(noServices('services as the source of ingress rules')),
  );
  const egress = fieldsWith(
    entitySchema(noServices('services as the destination of egress rules')),
    entitySchema(noPortsBesideServices, ...services),
  );
  return {
    ingress: list(object(ingress, ...always), { maxItems: MAX_RULES }),
    egress: list(object(egress, ...always, noHttp), { maxItems: MAX_RULES }),
  };
}

/** Rules of policies of a namespace, and of profiles. */
export const rules = rulesWith();
/** Rules of policies that belong to no namespace. */
export const globalRules = rulesWith(
  between([], (_, report, isPresent) => {
    if (!isPresent('services') || isPresent('services.namespace')) return;
    report('services.namespace', 'the namespace of the service, as the policy has none');
  }),
);
