// Policies at rest: thousands of them like to differ in nothing but selectors, so what they have in common is kept once, and of
// each one only the selectors that it fills in.
import { sameContent } from '../../base/equal.ts';
import type { Selector } from '../../selector/selector.ts';
import type { EntityMatch, PolicyInput, RuleInput } from '../types/input.ts';

/** All of a policy but its selectors: those in its rules are of some policy that looked the same. */
export type PolicyTemplate = Omit<PolicyInput, 'selector'>;

export interface PackedPolicy {
  readonly template: PolicyTemplate;
  readonly selector: Selector;
  /** Those of its rules, in the order in which they stand; undefined when each is the policy's own. */
  readonly selectors: readonly Selector[] | undefined;
}

/** Finds the template of a policy, or makes it one. */
export type FindTemplate = (input: PolicyInput) => PolicyTemplate;

/** Templates that a policy is compared with. */
const RECENT_MAX = 32;

type Same<T> = { readonly [K in keyof T]-?: (a: T, b: T) => boolean };

const sameList = (a: readonly unknown[], b: readonly unknown[]) => a === b || sameContent(a, b);

/** Of two selectors any will do. A condition that is missing in one of these tables does not compile. */
const SAME_IN_ENTITY: Same<EntityMatch> = {
  selector: (a, b) => (a.selector === undefined) === (b.selector === undefined),
  notSelector: (a, b) => (a.notSelector === undefined) === (b.notSelector === undefined),
  nets: (a, b) => sameList(a.nets, b.nets),
  notNets: (a, b) => sameList(a.notNets, b.notNets),
  ports: (a, b) => sameList(a.ports, b.ports),
  notPorts: (a, b) => sameList(a.notPorts, b.notPorts),
  namedPorts: (a, b) => sameList(a.namedPorts, b.namedPorts),
  notNamedPorts: (a, b) => sameList(a.notNamedPorts, b.notNamedPorts),
};

const SAME_IN_RULE: Same<RuleInput> = {
  index: (a, b) => a.index === b.index,
  action: (a, b) => a.action === b.action,
  family: (a, b) => a.family === b.family,
  protocol: (a, b) => a.protocol === b.protocol,
  notProtocol: (a, b) => a.notProtocol === b.notProtocol,
  icmp: (a, b) => a.icmp === b.icmp || sameContent(a.icmp, b.icmp),
  notIcmp: (a, b) => a.notIcmp === b.notIcmp || sameContent(a.notIcmp, b.notIcmp),
  source: (a, b) => sameEntity(a.source, b.source),
  destination: (a, b) => sameEntity(a.destination, b.destination),
  comment: (a, b) => a.comment === b.comment,
};

const SAME_IN_TEMPLATE: Same<PolicyTemplate> = {
  tier: (a, b) => a.tier === b.tier,
  order: (a, b) => a.order === b.order,
  phase: (a, b) => a.phase === b.phase,
  neededEverywhere: (a, b) => a.neededEverywhere === b.neededEverywhere,
  ingress: (a, b) => sameRules(a.ingress, b.ingress),
  egress: (a, b) => sameRules(a.egress, b.egress),
};

const ENTITY_CHECKS = Object.values(SAME_IN_ENTITY);
const RULE_CHECKS = Object.values(SAME_IN_RULE);
const TEMPLATE_CHECKS = Object.values(SAME_IN_TEMPLATE);

function sameEntity(a: EntityMatch, b: EntityMatch): boolean {
  return a === b || ENTITY_CHECKS.every((same) => same(a, b));
}

function sameRule(a: RuleInput, b: RuleInput): boolean {
  return a === b || RULE_CHECKS.every((same) => same(a, b));
}

function sameRules(a: readonly RuleInput[] | undefined, b: readonly RuleInput[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((rule, at) => sameRule(rule, b[at] ?? rule));
}

/** Where selectors stand in rules: they are taken out and filled in in this order. */
function mapSelectors(entity: EntityMatch, map: (selector: Selector) => Selector): EntityMatch {
  const { selector, notSelector } = entity;
  if (selector === undefined && notSelector === undefined) return entity;
  return {
    ...entity,
    selector: selector && map(selector),
    notSelector: notSelector && map(notSelector),
  };
}

function mapRules(
  rules: readonly RuleInput[] | undefined,
  map: (selector: Selector) => Selector,
): readonly RuleInput[] | undefined {
  return rules?.map((rule) => {
    const source = mapSelectors(rule.source, map);
    const destination = mapSelectors(rule.destination, map);
    return source === rule.source && destination === rule.destination ? rule : { ...rule, source, destination };
  });
}

/** The selectors of a policy's rules, in order. */
function selectorsOf({ ingress, egress }: PolicyTemplate): readonly Selector[] {
  const found: Selector[] = [];
  const collect = ({ selector, notSelector }: EntityMatch) => {
    if (selector !== undefined) found.push(selector);
    if (notSelector !== undefined) found.push(notSelector);
  };
  for (const rules of [ingress, egress]) {
    for (const { source, destination } of rules ?? []) {
      collect(source);
      collect(destination);
    }
  }
  return found;
}

export function createTemplates(): FindTemplate {
  /** The ones that were of use last come first. */
  const recent: PolicyTemplate[] = [];

  function create({ selector: _, ...template }: PolicyInput): PolicyTemplate {
    recent.unshift(template);
    if (recent.length > RECENT_MAX) recent.pop();
    return template;
  }

  return (input) => {
    const at = recent.findIndex((template) => TEMPLATE_CHECKS.every((same) => same(template, input)));
    const found = recent[at];
    if (found === undefined) return create(input);
    if (at > 0) recent.unshift(...recent.splice(at, 1));
    return found;
  };
}

/** `own`: the policy's selector, perhaps as others that are equal hold it already. */
export function packPolicy(input: PolicyInput, own: Selector, findTemplate: FindTemplate): PackedPolicy {
  const template = findTemplate(input);
  const selectors = selectorsOf(input);
  const allOwn = selectors.every((selector) => selector === input.selector);
  return { template, selector: own, selectors: allOwn ? undefined : selectors };
}

export function unpackPolicy({ template, selector, selectors }: PackedPolicy): PolicyInput {
  let at = 0;
  const next = () => selectors?.[at++] ?? selector;
  return { ...template, selector, ingress: mapRules(template.ingress, next), egress: mapRules(template.egress, next) };
}
