// Rules of policies and profiles as stored → rules of the calculation. What cannot be understood is closed: an Allow
// or Log is left out, anything else drops every packet that reaches it, so that nothing is let through by mistake.

import { isNamedPort } from '../../model/meta/values.ts';
import { type EntityRule, type Rule, rule as ruleSchema } from '../../model/policy/rule.ts';
import { type Cidr, cidrFamily, parseCidr } from '../../net/cidr.ts';
import { tryParsePortRange } from '../../net/port.ts';
import { tryParseProtocol } from '../../net/protocol.ts';
import { membersOf } from '../../schema/document.ts';
import { readSchema } from '../../schema/schema-read.ts';
import type { Selector } from '../../selector/selector.ts';
import { ANY_ENTITY, blanketRule, type EntityMatch, type RuleInput } from '../types/input.ts';
import type { IcmpMatch, RuleAction } from '../types/types.ts';
import { type Fields, get, parseShared, pathOf, refuse, report } from './read.ts';
import { scopeEntity } from './scope.ts';

const actions = { Allow: 'allow', Deny: 'deny', Pass: 'pass', Log: 'log' } as const satisfies Record<
  string,
  RuleAction
>;

/** Where a rule stands: the resource's fields, and its namespace (undefined for a global one). */
interface RuleContext {
  readonly fields: Fields;
  readonly namespace: string | undefined;
}

/** One empty list for all: stores hold rules by the hundred thousand, most of whose lists are empty. */
const NONE: readonly never[] = [];

function orNone<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NONE : list;
}

function parseEntity(entity: EntityRule | undefined, { fields, namespace }: RuleContext): EntityMatch {
  if (entity === undefined) return ANY_ENTITY;
  const parseIfPresent = (text: string | undefined): Selector | undefined =>
    text === undefined ? undefined : parseShared(fields, text);
  const ports = entity.ports ?? [];
  const notPorts = entity.notPorts ?? [];
  const ranges = (list: readonly (number | string)[]) =>
    orNone(list.map(tryParsePortRange).filter((range) => range !== undefined));
  return {
    nets: orNone((entity.nets ?? []).map(parseCidr)),
    notNets: orNone((entity.notNets ?? []).map(parseCidr)),
    selector: scopeEntity({
      namespace,
      selector: parseIfPresent(entity.selector),
      namespaceSelector: parseIfPresent(entity.namespaceSelector),
      serviceAccountSelector: parseIfPresent(entity.serviceAccounts?.selector),
      serviceAccountNames: entity.serviceAccounts?.names ?? [],
      hasNotSelector: entity.notSelector !== undefined,
    }),
    notSelector: parseIfPresent(entity.notSelector),
    ports: ranges(ports),
    namedPorts: orNone(ports.filter(isNamedPort)),
    notPorts: ranges(notPorts),
    notNamedPorts: orNone(notPorts.filter(isNamedPort)),
  };
}

/** Undefined for a match without a type, which says nothing. */
function parseIcmp(icmp: Rule['icmp']): IcmpMatch | undefined {
  if (icmp?.type === undefined) return undefined;
  return { type: icmp.type, code: icmp.code };
}

function commentOf(rule: Rule): string | undefined {
  const annotations = Object.entries(rule.metadata?.annotations ?? {});
  return annotations.length === 0 ? undefined : annotations.map(([key, value]) => `${key}=${value}`).join(', ');
}

/** Ranges make a rule one of their family; a rule never has ranges of both. */
function familyOfNets(...sides: readonly EntityMatch[]): 4 | 6 | undefined {
  const nets: readonly Cidr[] = sides.flatMap((side) => [...side.nets, ...side.notNets]);
  return nets[0] === undefined ? undefined : cidrFamily(nets[0]);
}

function parseKnownRule(rule: Rule, index: number, context: RuleContext): RuleInput {
  const source = parseEntity(rule.source, context);
  const destination = parseEntity(rule.destination, context);
  return {
    index,
    action: actions[rule.action],
    family: rule.ipVersion ?? familyOfNets(source, destination),
    protocol: rule.protocol === undefined ? undefined : tryParseProtocol(rule.protocol),
    notProtocol: rule.notProtocol === undefined ? undefined : tryParseProtocol(rule.notProtocol),
    icmp: parseIcmp(rule.icmp),
    notIcmp: parseIcmp(rule.notICMP),
    source,
    destination,
    comment: commentOf(rule),
  };
}

/** The rule that stands for one that cannot be understood; undefined for none. */
function closedRule(value: unknown, index: number): RuleInput | undefined {
  const action = membersOf(value)?.action;
  return action === 'Allow' || action === 'Log' ? undefined : blanketRule('deny', index);
}

/** What keeps a rule that is well formed from ever matching here; undefined when nothing does. */
function whyNever(rule: Rule): readonly [field: string, found: string, wanted: string] | undefined {
  if (rule.http !== undefined) return ['http', 'an HTTP match', 'what the kernel can see; the rule allows nothing'];
  for (const side of ['source', 'destination'] as const) {
    if (rule[side]?.services === undefined) continue;
    return [`${side}.services`, 'a service', 'labels or ranges, as there are no services; the rule matches nothing'];
  }
  return undefined;
}

function parseRule(value: unknown, index: number, path: string, context: RuleContext): RuleInput | undefined {
  const read = readSchema(ruleSchema, value, 'document');
  if (read.kind === 'invalid') {
    for (const issue of read.issues) report(context.fields, `${path}.${issue.path}`, issue.found, issue.wanted);
    return closedRule(value, index);
  }
  const never = whyNever(read.value);
  if (never === undefined) return parseKnownRule(read.value, index, context);
  report(context.fields, `${path}.${never[0]}`, never[1], never[2]);
  return undefined;
}

/** The rules of a list field; a field that is no list drops everything. */
export function parseRules(fields: Fields, name: string, namespace: string | undefined): readonly RuleInput[] {
  const value = get(fields, name) ?? [];
  if (!Array.isArray(value)) {
    refuse(fields, name, 'a list of rules');
    return [blanketRule('deny')];
  }
  return value
    .map((item: unknown, index) => parseRule(item, index, `${pathOf(fields, name)}[${index}]`, { fields, namespace }))
    .filter((rule) => rule !== undefined);
}
