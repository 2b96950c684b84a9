import { expect, test } from 'bun:test';
import { formatOwner, type RuleOwner, tryParseOwner } from './rule-owner.ts';

const owners: readonly RuleOwner[] = [
  { kind: 'rule', index: 0, note: undefined },
  { kind: 'rule', index: 12, note: 'name=allow-web, owner=team: a' },
  { kind: 'end-of-tier', tier: 'default' },
  { kind: 'end-of-staged' },
  { kind: 'end-of-profiles' },
];

test('what a rule counts can be told of the rule that was written: the owner is read back from the comment', () => {
  for (const owner of owners) expect(tryParseOwner(formatOwner(owner))).toEqual(owner);
});

test('a note is cut to what a comment holds, its rule is still known', () => {
  const owner: RuleOwner = { kind: 'rule', index: 7, note: 'x'.repeat(300) };
  expect(formatOwner(owner)).toHaveLength(120);
  expect(tryParseOwner(formatOwner(owner))).toMatchObject({ kind: 'rule', index: 7 });
});

test('other comments have no owner', () => {
  expect([undefined, '', 'ruled', 'rule x', 'unknown interface'].map(tryParseOwner)).toEqual(Array(5).fill(undefined));
});
