// What comes in one batch: what is new, with what leads there, only where nobody is let through before it is complete.
import { expect, test } from 'bun:test';
import { ipv4Of } from '../net/ip.ts';
import { bytesOfInterfaceName, bytesOfIp } from './bytes.ts';
import { createRulesetEditor } from './editor.ts';
import type { Chain, Operation, SetSpec } from './nft.ts';
import { accept, isIn, rule } from './statements.ts';

const closedMap: SetSpec = { name: 'dispatch', key: ['ifname'], interval: false, verdicts: true, behind: 'drop' };
const { behind: _, ...openMap } = closedMap;
const singles: SetSpec = { name: 'members', key: ['ipv4_addr'], interval: false, verdicts: false };
const ranges: SetSpec = { ...singles, interval: true };
const ONE = bytesOfIp(ipv4Of(0x0a000001));

function chainOf(set: SetSpec, rules = 1): Chain {
  const asks = rule([isIn(['saddr4'], set.name), accept]);
  return { name: 'group', rules: Array.from({ length: rules }, () => asks) };
}

/** The kinds of operations in each step when a chain comes with the set that it asks for, and the map leads there. */
function stepsOf(map: SetSpec, set: SetSpec, chain = chainOf(set)): readonly (readonly Operation['kind'][])[] {
  const editor = createRulesetEditor({
    chains: new Map(),
    sets: new Map([[map.name, { spec: map, elements: new Map() }]]),
  });
  editor.addSet(set);
  editor.setElement(set.name, set.interval ? ONE + ONE : ONE);
  editor.setChain(chain);
  editor.setElement(map.name, bytesOfInterfaceName('cali1'), { kind: 'jump', chain: chain.name });
  return editor.takeSteps().map((step) => [...new Set(step.map(({ kind }) => kind))]);
}

const PREPARED = ['add-set', 'add-chain', 'add-rule', 'add-elements'] as const;
const TWO_STEPS = [[...PREPARED], ['add-elements' as const]];

test('a chain comes with what leads to it where packets that come back from it are dropped', () => {
  expect(stepsOf(closedMap, singles)).toEqual([[...PREPARED]]);
});

test('where they are not, it is complete before anything leads to it', () => {
  expect(stepsOf(openMap, singles)).toEqual(TWO_STEPS);
});

test('so it is where it asks for ranges, which the kernel shows last', () => {
  expect(stepsOf(closedMap, ranges)).toEqual(TWO_STEPS);
});

test('so it is where both are too much for one message to the kernel', () => {
  expect(stepsOf(closedMap, singles, chainOf(singles, 200))).toEqual(TWO_STEPS);
});

test('a chain that is there already changes after the set that it is to ask for is full', () => {
  const chains = new Map([['group', { name: 'group', rules: [] }]]);
  const editor = createRulesetEditor({ chains, sets: new Map() });
  editor.addSet(singles);
  editor.setElement(singles.name, ONE);
  editor.setChain(chainOf(singles));
  const kinds = editor.takeSteps().map((step) => step.map(({ kind }) => kind));
  expect(kinds).toEqual([
    ['add-set', 'add-elements'],
    ['flush-chain', 'add-rule'],
  ]);
});
