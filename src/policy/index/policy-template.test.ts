// A policy that is packed and unpacked is the same again, and policies that differ in selectors alone have one template.
import { expect, test } from 'bun:test';
import { parseCidr } from '../../net/cidr.ts';
import { parseSelector } from '../../selector/parse.ts';
import type { Selector } from '../../selector/selector.ts';
import { ANY_ENTITY, blanketRule, type PolicyInput, type RuleInput } from '../types/input.ts';
import { createTemplates, packPolicy, unpackPolicy } from './policy-template.ts';

const selector = (name: string) => parseSelector(`name == '${name}'`);

function policy(own: Selector, ...ingress: readonly RuleInput[]): PolicyInput {
  const head = { tier: 'default', order: 1, phase: 'normal' as const, neededEverywhere: false };
  return { ...head, selector: own, ingress, egress: [{ ...blanketRule('deny'), protocol: 17 }] };
}

function rule(source: Selector, notDestination: Selector | undefined, more: Partial<RuleInput> = {}): RuleInput {
  const destination = { ...ANY_ENTITY, nets: [parseCidr('10.0.0.0/8')], notSelector: notDestination };
  return { ...blanketRule('allow'), source: { ...ANY_ENTITY, selector: source }, destination, ...more };
}

test('what is packed comes back', () => {
  const [a, b, c] = [selector('a'), selector('b'), selector('c')];
  const findTemplate = createTemplates();
  const inputs = [policy(a, rule(a, a)), policy(b, rule(b, b)), policy(a, rule(b, c), rule(a, undefined)), policy(c)];
  const packed = inputs.map((input) => packPolicy(input, input.selector, findTemplate));
  expect(packed.map(unpackPolicy)).toEqual(inputs);
  expect(packed.map(({ selectors }) => selectors)).toEqual([undefined, undefined, [b, c, a], undefined]);
});

test('one template for policies that differ in selectors, another for any other difference', () => {
  const [a, b, c] = [selector('a'), selector('b'), selector('c')];
  const findTemplate = createTemplates();
  const first = findTemplate(policy(a, rule(b, c)));
  expect(findTemplate(policy(c, rule(a, b)))).toBe(first);
  const others = [
    policy(a, rule(b, undefined)),
    policy(a, rule(b, c, { action: 'deny' })),
    policy(a, rule(b, c, { notIcmp: { type: 8, code: undefined } })),
    policy(a, rule(b, c, { comment: 'why' })),
    policy(a, rule(b, c), rule(b, c)),
    { ...policy(a, rule(b, c)), order: 2 },
    { ...policy(a, rule(b, c)), egress: undefined },
  ];
  expect(new Set([first, ...others.map(findTemplate)]).size).toBe(others.length + 1);
  expect(others.map(findTemplate)).toEqual(others.map(findTemplate));
});
