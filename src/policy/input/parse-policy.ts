// NetworkPolicy, GlobalNetworkPolicy, Profile and Tier as stored → inputs of the calculation (Calico v3.33,
// api/pkg/apis/projectcalico/v3/tier.go).
import { SELECT_ALL, type Selector } from '../../selector/selector.ts';
import {
  blanketRule,
  type PolicyInput,
  type PolicyPhase,
  type ProfileInput,
  type TierInput,
  UNKNOWN_TIER,
} from '../types/input.ts';
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
  readWhole,
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

/** The value, or what stands for one that could not be read. */
function orElse<T, D>(read: Read<T>, otherwise: D): T | D {
  return read.kind === 'read' ? read.value : otherwise;
}

/** The flags are exclusive, and both of the first two ask for the third (calicoctl refuses all else). */
function getPhase(spec: Fields): Read<PolicyPhase> {
  const flags = ['doNotTrack', 'preDNAT', 'applyOnForward'].map((name) => getFlag(spec, name));
  if (flags.some(({ kind }) => kind === 'unreadable')) return UNREADABLE;
  const [untracked, preDnat, forward] = flags.map((flag) => orElse(flag, false));
  return { kind: 'read', value: untracked ? 'untracked' : preDnat ? 'pre-dnat' : forward ? 'forward' : 'normal' };
}

interface PolicyHead {
  readonly tier: Read<string>;
  readonly order: Read<number>;
  readonly directions: Read<Directions>;
  readonly selector: Read<Selector | undefined>;
  readonly namespaceSelector: Read<Selector | undefined>;
  readonly serviceAccountSelector: Read<Selector | undefined>;
  readonly phase: Read<PolicyPhase>;
}

function readHead(spec: Fields): PolicyHead {
  return {
    tier: getTier(spec),
    order: getOrder(spec),
    directions: getDirections(spec),
    selector: getSelector(spec, 'selector'),
    namespaceSelector: getSelector(spec, 'namespaceSelector'),
    serviceAccountSelector: getSelector(spec, 'serviceAccountSelector'),
    phase: getPhase(spec),
  };
}

const LOST_HEAD: PolicyHead = {
  tier: UNREADABLE,
  order: UNREADABLE,
  directions: UNREADABLE,
  selector: UNREADABLE,
  namespaceSelector: UNREADABLE,
  serviceAccountSelector: UNREADABLE,
  phase: UNREADABLE,
};

/**
 * `namespace` is undefined for a GlobalNetworkPolicy. Never throws: what cannot be understood is reported. A policy whose
 * head is not whole drops, in the directions and of the endpoints that it may be for, at its place if that could be read,
 * else before what it might have come before.
 */
export function parsePolicy(resource: Fields, namespace: string | undefined): PolicyInput {
  const spec = getRequired(resource, 'spec');
  const head = spec === undefined ? LOST_HEAD : readHead(spec);
  const whole = Object.values(head).every((read: Read<unknown>) => read.kind === 'read');
  const directions = orElse(head.directions, { ingress: true, egress: true });
  const rulesOf = (name: string) =>
    whole && spec !== undefined ? parseRules(spec, name, namespace) : [blanketRule('deny')];
  const scope = {
    namespace,
    selector: orElse(head.selector, undefined),
    namespaceSelector: orElse(head.namespaceSelector, undefined),
    serviceAccountSelector: orElse(head.serviceAccountSelector, undefined),
  };
  return {
    tier: orElse(head.tier, UNKNOWN_TIER),
    order: orElse(head.order, Number.NEGATIVE_INFINITY),
    selector: scopePolicy(scope) ?? SELECT_ALL,
    ingress: directions.ingress ? rulesOf('ingress') : undefined,
    egress: directions.egress ? rulesOf('egress') : undefined,
    phase: orElse(head.phase, 'forward'),
    neededEverywhere: spec !== undefined && getList(spec, 'performanceHints').includes('AssumeNeededOnEveryNode'),
  };
}

/** Never throws; a profile that cannot be understood drops, and nobody knows what labels it applies. */
export function parseProfile(resource: Fields): ProfileInput {
  const spec = getRequired(resource, 'spec');
  const closed = [blanketRule('deny')];
  if (spec === undefined) return { labelsToApply: undefined, ingress: closed, egress: closed };
  const labels = readWhole(spec, (fields) => getTexts(fields, 'labelsToApply'));
  return {
    labelsToApply: labels.whole ? labels.value : undefined,
    ingress: parseRules(spec, 'ingress', undefined),
    egress: parseRules(spec, 'egress', undefined),
  };
}

/** Never throws; a tier whose action cannot be understood ends in deny, one whose order cannot is closed. */
export function parseTier(resource: Fields): TierInput {
  const spec = getFields(resource, 'spec');
  const order = getOrder(spec);
  const action = get(spec, 'defaultAction') ?? 'Deny';
  if (action !== 'Deny' && action !== 'Pass') refuse(spec, 'defaultAction', 'Deny or Pass');
  return {
    order: orElse(order, Number.POSITIVE_INFINITY),
    defaultAction: action === 'Pass' ? 'pass' : 'deny',
    closed: spec.lost || order.kind === 'unreadable',
  };
}
