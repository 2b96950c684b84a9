// NetworkPolicy, GlobalNetworkPolicy, Profile and Tier as stored → inputs of the calculation (facts: calico §4.4, §4.6).
import { SELECT_ALL } from '../selector/selector.ts';
import { blanketRule, type PolicyInput, type ProfileInput, type TierInput } from './input.ts';
import { parseRules } from './parse-rule.ts';
import {
  type Fields,
  get,
  getFields,
  getList,
  getRequired,
  getSelector,
  getTexts,
  type Read,
  refuse,
  UNREADABLE,
} from './read.ts';
import { scopePolicy } from './scope.ts';

function getOrder(fields: Fields): Read<number> {
  const value = get(fields, 'order');
  if (value === undefined) return { kind: 'read', value: Number.POSITIVE_INFINITY };
  if (typeof value === 'number' && !Number.isNaN(value)) return { kind: 'read', value };
  if (typeof value === 'bigint') return { kind: 'read', value: Number(value) };
  refuse(fields, 'order', 'a number');
  return UNREADABLE;
}

function getFlag(fields: Fields, name: string): Read<boolean> {
  const value = get(fields, name) ?? false;
  if (typeof value === 'boolean') return { kind: 'read', value };
  refuse(fields, name, 'true or false');
  return UNREADABLE;
}

interface Directions {
  readonly ingress: boolean;
  readonly egress: boolean;
}

/** Without types, rules decide: egress alone when there are only egress rules, else ingress and what has rules. */
function getDirections(spec: Fields): Read<Directions> {
  const types = getList(spec, 'types');
  const unknown = types.some((type) => type !== 'Ingress' && type !== 'Egress');
  if (unknown || (get(spec, 'types') !== undefined && !Array.isArray(get(spec, 'types')))) {
    refuse(spec, 'types', 'a list of Ingress and Egress');
    return UNREADABLE;
  }
  if (types.length > 0) {
    return { kind: 'read', value: { ingress: types.includes('Ingress'), egress: types.includes('Egress') } };
  }
  const hasRules = (name: string) => get(spec, name) !== undefined && getList(spec, name).length > 0;
  const egress = hasRules('egress');
  return { kind: 'read', value: { ingress: !egress || hasRules('ingress'), egress } };
}

function getTier(spec: Fields): Read<string> {
  const value = get(spec, 'tier') ?? 'default';
  if (typeof value === 'string') return { kind: 'read', value: value === '' ? 'default' : value };
  refuse(spec, 'tier', 'the name of a tier');
  return UNREADABLE;
}

/**
 * What stands for a policy whose head cannot be understood: it drops, both ways, all that it could have applied to, at
 * its place if that can be read, else first in its tier.
 */
function closedPolicy(namespace: string | undefined, tier: Read<string>, order: Read<number>): PolicyInput {
  return {
    tier: tier.kind === 'read' ? tier.value : 'default',
    order: order.kind === 'read' ? order.value : Number.NEGATIVE_INFINITY,
    selector: scopePolicy({ namespace, ...NO_SELECTORS }) ?? SELECT_ALL,
    ingress: [blanketRule('deny')],
    egress: [blanketRule('deny')],
    hostOnly: false,
    neededEverywhere: false,
  };
}

const NO_SELECTORS = { selector: undefined, namespaceSelector: undefined, serviceAccountSelector: undefined };

/** `namespace` is undefined for a GlobalNetworkPolicy. Never throws: what cannot be understood is closed and reported. */
export function parsePolicy(resource: Fields, namespace: string | undefined): PolicyInput {
  const spec = getRequired(resource, 'spec');
  if (spec === undefined) return closedPolicy(namespace, UNREADABLE, UNREADABLE);
  const tier = getTier(spec);
  const order = getOrder(spec);
  const directions = getDirections(spec);
  const selector = getSelector(spec, 'selector');
  const namespaceSelector = getSelector(spec, 'namespaceSelector');
  const serviceAccountSelector = getSelector(spec, 'serviceAccountSelector');
  const doNotTrack = getFlag(spec, 'doNotTrack');
  const preDnat = getFlag(spec, 'preDNAT');
  if (
    tier.kind === 'unreadable' ||
    order.kind === 'unreadable' ||
    directions.kind === 'unreadable' ||
    selector.kind === 'unreadable' ||
    namespaceSelector.kind === 'unreadable' ||
    serviceAccountSelector.kind === 'unreadable' ||
    doNotTrack.kind === 'unreadable' ||
    preDnat.kind === 'unreadable'
  ) {
    return closedPolicy(namespace, tier, order);
  }
  const scope = {
    namespace,
    selector: selector.value,
    namespaceSelector: namespaceSelector.value,
    serviceAccountSelector: serviceAccountSelector.value,
  };
  return {
    tier: tier.value,
    order: order.value,
    selector: scopePolicy(scope) ?? SELECT_ALL,
    ingress: directions.value.ingress ? parseRules(spec, 'ingress', namespace) : undefined,
    egress: directions.value.egress ? parseRules(spec, 'egress', namespace) : undefined,
    hostOnly: doNotTrack.value || preDnat.value,
    neededEverywhere: getList(spec, 'performanceHints').includes('AssumeNeededOnEveryNode'),
  };
}

/** Never throws; a profile that cannot be understood drops. */
export function parseProfile(resource: Fields): ProfileInput {
  const spec = getRequired(resource, 'spec');
  if (spec === undefined) return { labelsToApply: {}, ingress: [blanketRule('deny')], egress: [blanketRule('deny')] };
  return {
    labelsToApply: getTexts(spec, 'labelsToApply'),
    ingress: parseRules(spec, 'ingress', undefined),
    egress: parseRules(spec, 'egress', undefined),
  };
}

/** Never throws; a tier that cannot be understood ends in deny, and comes last. */
export function parseTier(resource: Fields): TierInput {
  const spec = getFields(resource, 'spec');
  const order = getOrder(spec);
  const action = get(spec, 'defaultAction') ?? 'Deny';
  if (action !== 'Deny' && action !== 'Pass') refuse(spec, 'defaultAction', 'Deny or Pass');
  return {
    order: order.kind === 'read' ? order.value : Number.POSITIVE_INFINITY,
    defaultAction: action === 'Pass' ? 'pass' : 'deny',
  };
}
