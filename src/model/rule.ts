// One rule of a policy or profile: what it matches, and the verdict (facts: calico §4.5).
import { cidrFamily, parseCidr } from '../net/cidr.ts';
import type { Family } from '../net/ip.ts';
import { hasPorts, PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, tryParseProtocol } from '../net/protocol.ts';
import { annotationKey, resourceName } from './names.ts';
import { choice, integer, numberChoice, parsedText, text } from './scalars.ts';
import { type Infer, list, map, type ObjectOf, object, optional, type Report, required, sparse } from './schema.ts';
import { ruleNamespaceSelector, selector } from './selectors.ts';
import { isNamedPort, maskedCidr, protocol, rulePort } from './values.ts';

/** Rules per direction of one policy or profile. */
export const MAX_RULES = 1024;
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
const entityRule = object(entityFields, checkEntity);

const icmp = object(
  {
    type: optional(integer(0, 254), 'The ICMP type.'),
    code: optional(integer(0, 255), 'The ICMP code; needs a type.'),
  },
  (value, report) => {
    if (value.code !== undefined && value.type === undefined) report('type', 'nothing', 'a type beside the code');
  },
);

const httpPathText = text({
  wanted: 'a path that begins with "/" and has no "?", "#" or space',
  pattern: /^\/[^?#\s]*$/,
  maxLength: 1024,
});
const httpPath = object(
  { exact: sparse(httpPathText, 'The whole path.'), prefix: sparse(httpPathText, 'What the path begins with.') },
  (value, report) => {
    if ((value.exact === undefined) === (value.prefix === undefined)) report('', 'an object', 'either exact or prefix');
  },
);
const http = object({
  methods: sparse(list(text(), { maxItems: 20, unique: true }), 'Methods, any of them.'),
  paths: sparse(list(httpPath, { maxItems: 20 }), 'Paths, any of them.'),
});

const action = choice('Allow', 'Deny', 'Log', 'Pass');
export type Action = Infer<typeof action>;

const ruleFields = {
  action: required(action, 'Allow and Deny end the evaluation, Pass ends the tier or profile, Log goes on.'),
  ipVersion: optional(numberChoice(4, 6), 'Only packets of this family.'),
  protocol: optional(protocol, 'Only packets of this protocol.'),
  icmp: optional(icmp, 'Only ICMP packets of this type and code; needs protocol ICMP or ICMPv6.'),
  notProtocol: optional(protocol, 'Only packets of another protocol.'),
  notICMP: optional(icmp, 'Only packets that are not of this ICMP type and code.'),
  source: sparse(entityRule, 'What the source must be.'),
  destination: sparse(entityRule, 'What the destination must be.'),
  http: optional(
    http,
    'Only HTTP requests like these; the kernel cannot tell, so the rule is refused outside of Allow.',
  ),
  metadata: optional(
    object({ annotations: sparse(map(annotationKey, text()), 'Notes, shown as comments of kernel rules.') }),
    'Notes on the rule.',
  ),
};

export type Rule = ObjectOf<typeof ruleFields>;
export const rule = object(ruleFields, checkRule);

/** The rules of one direction. */
export const rules = list(rule, { maxItems: MAX_RULES });

function checkEntity(entity: EntityRule, report: Report): void {
  if (entity.services === undefined) return;
  for (const field of ['selector', 'notSelector', 'namespaceSelector', 'nets', 'notNets', 'serviceAccounts'] as const) {
    if (entity[field] !== undefined) report(field, 'a value', 'nothing beside services');
  }
}

function checkRule(value: Rule, report: Report): void {
  checkIcmp(value, report);
  checkPorts(value, report);
  checkFamilies(value, report);
  checkHttp(value, report);
  const { destination } = value;
  if (destination?.services === undefined) return;
  for (const field of ['ports', 'notPorts'] as const) {
    if (destination[field] !== undefined) report(`destination.${field}`, 'ports', 'nothing beside services');
  }
}

function familyOfProtocol(name: number | string | undefined): Family | undefined {
  const number = name === undefined ? undefined : tryParseProtocol(name);
  if (number === PROTOCOL_ICMP) return 4;
  return number === PROTOCOL_ICMPV6 ? 6 : undefined;
}

function checkIcmp(value: Rule, report: Report): void {
  if (value.icmp !== undefined && familyOfProtocol(value.protocol) === undefined) {
    report('icmp', 'an ICMP match', 'protocol ICMP or ICMPv6 beside it');
  }
  for (const field of ['protocol', 'notProtocol'] as const) {
    const family = familyOfProtocol(value[field]);
    if (family !== undefined && value.ipVersion !== undefined && value.ipVersion !== family) {
      report(field, String(value[field]), `ipVersion ${family} beside it`);
    }
  }
}

function checkPorts(value: Rule, report: Report): void {
  const number = value.protocol === undefined ? undefined : tryParseProtocol(value.protocol);
  if (number !== undefined && hasPorts(number)) return;
  for (const side of ['source', 'destination'] as const) {
    for (const field of ['ports', 'notPorts'] as const) {
      const ports = value[side]?.[field];
      if (ports === undefined || (number === undefined && ports.every(isNamedPort))) continue;
      const found = number === undefined ? 'ports without a protocol' : `ports with protocol ${value.protocol}`;
      report(`${side}.${field}`, found, 'protocol TCP, UDP or SCTP beside them');
    }
  }
}

function checkFamilies(value: Rule, report: Report): void {
  let family: Family | undefined = value.ipVersion;
  for (const side of ['source', 'destination'] as const) {
    for (const field of ['nets', 'notNets'] as const) {
      for (const [index, net] of (value[side]?.[field] ?? []).entries()) {
        const own = cidrFamily(parseCidr(net));
        family ??= own;
        if (own === family) continue;
        const wanted =
          value.ipVersion === undefined ? 'ranges of one family in a rule' : `a range of ipVersion ${family}`;
        report(`${side}.${field}[${index}]`, JSON.stringify(net), wanted);
      }
    }
  }
}

function checkHttp(value: Rule, report: Report): void {
  if (value.http === undefined) return;
  if (value.action !== 'Allow') report('http', `an HTTP match with action ${value.action}`, 'action Allow beside it');
  if (value.protocol !== undefined && tryParseProtocol(value.protocol) !== PROTOCOL_TCP) {
    report('http', `an HTTP match with protocol ${value.protocol}`, 'protocol TCP or none beside it');
  }
}

/** What egress rules may not have: HTTP matches, services as source, service accounts as destination need not hold. */
export function checkEgressRules(value: readonly Rule[] | undefined, path: string, report: Report): void {
  for (const [index, one] of (value ?? []).entries()) {
    if (one.http !== undefined) report(`${path}[${index}].http`, 'an HTTP match', 'HTTP matches in ingress rules only');
    if (one.source?.services !== undefined) {
      report(`${path}[${index}].source.services`, 'services', 'services as the destination of egress rules');
    }
  }
}

/** What ingress rules may not have: services as destination. */
export function checkIngressRules(value: readonly Rule[] | undefined, path: string, report: Report): void {
  for (const [index, one] of (value ?? []).entries()) {
    if (one.destination?.services !== undefined) {
      report(`${path}[${index}].destination.services`, 'services', 'services as the source of ingress rules');
    }
  }
}
