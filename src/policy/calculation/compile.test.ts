// No condition of a rule is lost where selectors become sets: a rule with one compiles to another rule than without it.
import { expect, test } from 'bun:test';
import { packetSamples, sideSamples } from '../../../test/support/policy/conditions.ts';
import { formatSelector } from '../../selector/format.ts';
import { compileRule, type WantSet } from './compile.ts';

const wantSet: WantSet = (selector, port) => ({ id: `${formatSelector(selector)} ${port?.name}`, hasUnknown: false });

for (const { name, rule, without } of [...packetSamples, ...sideSamples('source'), ...sideSamples('destination')]) {
  test(`${name} is kept`, () => {
    const compiled = compileRule(rule, wantSet);
    expect(compiled).toHaveLength(1);
    expect(compiled).not.toEqual([...compileRule(without, wantSet)]);
  });
}
