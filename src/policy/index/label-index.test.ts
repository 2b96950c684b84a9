// The label index: the same matches as trying every pair, and no more tries than the labels in common call for.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatSelector } from '../../selector/format.ts';
import { matchSelector } from '../../selector/match.ts';
import { parseSelector } from '../../selector/parse.ts';
import type { Selector } from '../../selector/selector.ts';
import { chooseIndexKeys } from './index-keys.ts';
import { createLabelIndex, type IndexState, newIndexState } from './label-index.ts';
import type { IndexedItem } from './label-table.ts';
import { createNameInterner, packLabels } from './labels.ts';

interface TestItem extends IndexedItem {
  readonly name: string;
}

interface TestSelector {
  readonly selector: Selector;
  readonly indexState: IndexState;
}

/** A selector that counts how often it is tried. */
function counted(text: string, tries: { count: number }): TestSelector {
  const selector = parseSelector(text);
  const indexState = newIndexState();
  return {
    indexState,
    get selector() {
      tries.count++;
      return selector;
    },
  };
}

const intern = createNameInterner();

function item(
  name: string,
  labels: Readonly<Record<string, string>>,
  inherited: Readonly<Record<string, string>> = {},
  open = false,
): TestItem {
  return { name, labels: packLabels(labels, intern), inherited: { labels: packLabels(inherited, intern), open } };
}

function openIndex() {
  const items = new Set<TestItem>();
  const matches = new Map<TestSelector, Set<string>>();
  const index = createLabelIndex<TestItem, TestSelector>(
    () => items,
    (selector, one, certain) => {
      const names = matches.get(selector) ?? new Set();
      if (names.has(one.name)) throw new Error(`${one.name} matched twice`);
      matches.set(selector, names.add(certain ? one.name : `${one.name}?`));
    },
    (selector, one, certain) => {
      const name = certain ? one.name : `${one.name}?`;
      if (matches.get(selector)?.delete(name) !== true) throw new Error(`${name} did not match`);
    },
  );
  return {
    matches: (selector: TestSelector) => [...(matches.get(selector) ?? [])].sort(),
    add(one: TestItem) {
      items.add(one);
      index.addItem(one);
    },
    remove(one: TestItem) {
      index.removeItem(one);
      items.delete(one);
    },
    addSelectors: index.addSelectors,
    removeSelector(selector: TestSelector) {
      index.removeSelector(selector);
      matches.delete(selector);
    },
  };
}

describe('tries', () => {
  test('an item is tried against its own set, however many sets share a key', () => {
    for (const sets of [10, 2000]) {
      const tries = { count: 0 };
      const { add, addSelectors } = openIndex();
      addSelectors(Array.from({ length: sets }, (_, i) => counted(`alpha == "beta" && has(ipset-${i})`, tries)));
      tries.count = 0;
      for (let i = 0; i < 200; i++) add(item(`w${i}`, { alpha: 'beta', 'ipset-1': 'true' }));
      expect(tries.count).toBeLessThan(2.5 * 200);
    }
  });

  test('a selector that nobody matches tries nobody, a rare one the few', () => {
    const tries = { count: 0 };
    const { add, addSelectors, matches } = openIndex();
    for (let i = 0; i < 5000; i++) add(item(`w${i}`, { alpha: 'beta', 'ipset-1': 'true', rare: String(i % 1000) }));
    const nobody = counted('alpha == "beta" && has(ipset-7)', tries);
    const few = counted('has(alpha) && rare in {"3", "4"} && alpha != "x"', tries);
    addSelectors([nobody, few]);
    expect([matches(nobody).length, matches(few).length]).toEqual([0, 10]);
    expect(tries.count).toBeLessThan(20);
  });

  test('keys that turn out badly are chosen again', () => {
    const tries = { count: 0 };
    const { add, addSelectors, matches } = openIndex();
    const selector = counted('has(first) && has(second)', tries);
    addSelectors([selector]);
    const common = selector.indexState.keys?.[0]?.label === 'first' ? 'first' : 'second';
    const rare = common === 'first' ? 'second' : 'first';
    tries.count = 0;
    for (let i = 0; i < 1000; i++) add(item(`w${i}`, { [common]: '' }));
    expect(tries.count).toBeLessThan(40);
    add(item('both', { [common]: '', [rare]: '' }));
    expect(matches(selector)).toEqual(['both']);
  });
});

test('an item with labels that nobody knows matches for certain, perhaps or not at all, whichever came first', () => {
  const tries = { count: 0 };
  const texts = ['a == "x"', 'a == "y"', 'has(b)', '!has(b)', 'a == "x" && has(b)', 'a == "y" && has(b)', 'all()'];
  const expected = [['open'], [], ['open?'], ['open?'], ['open?'], [], ['open']];
  const selectors = texts.map((text) => counted(text, tries));
  for (const itemFirst of [true, false]) {
    const { add, remove, addSelectors, matches } = openIndex();
    const one = item('open', { a: 'x' }, {}, true);
    if (itemFirst) add(one);
    addSelectors(selectors.map((selector) => ({ ...selector, indexState: newIndexState() })));
    const standing = selectors.map((selector) => ({ ...selector, indexState: newIndexState() }));
    addSelectors(standing);
    if (!itemFirst) add(one);
    expect(standing.map(matches)).toEqual(expected);
    remove(one);
    expect(standing.map(matches)).toEqual(texts.map(() => []));
  }
});

test('the cheapest keys of a selector', () => {
  const costs = new Map([
    ['a', 5],
    ['b', 3],
    ['c', 9],
    ['b=x', 1],
  ]);
  const costOf = ({ label, value }: { label: string; value: string | undefined }) =>
    costs.get(value === undefined ? label : `${label}=${value}`) ?? costs.get(label) ?? 0;
  const keysOf = (text: string) =>
    chooseIndexKeys(parseSelector(text), costOf)
      ?.map(({ label, value }) => (value === undefined ? label : `${label}=${value}`))
      .join(' ');
  const table: readonly (readonly [text: string, keys: string | undefined])[] = [
    ['all()', undefined],
    ['global()', undefined],
    ['!all()', ''],
    ['has(a)', 'a'],
    ['!has(a)', undefined],
    ['!!has(a)', 'a'],
    ["a == 'x'", 'a=x'],
    ["a != 'x'", undefined],
    ["!(a != 'x')", 'a=x'],
    ["!(a == 'x')", undefined],
    ["a in {'x', 'y'}", 'a=x a=y'],
    ['a in {}', ''],
    ["a not in {'x'}", undefined],
    ["!(a not in {'x'})", 'a=x'],
    ["!(a in {'x'})", undefined],
    ["a contains 'x'", 'a'],
    ["a starts with 'x' && !b ends with 'y'", 'a'],
    ['has(a) && has(b) && has(c)', 'b'],
    ["has(a) && b == 'x'", 'b=x'],
    ['has(a) && !has(b)', 'a'],
    ['has(a) || has(b)', 'a b'],
    ['has(a) || !has(b)', undefined],
    ['(has(a) || has(b)) && has(c)', 'a b'],
    ['(has(a) || has(c)) && has(c)', 'c'],
    ['!(!has(a) || !has(b))', 'b'],
    ['!(!has(a) && !has(b))', 'a b'],
    ['!(has(a) || has(b))', undefined],
    ['has(a) && !all()', ''],
  ];
  expect(table.map(([text]) => [text, keysOf(text)])).toEqual(table.map(([text, keys]) => [text, keys]));
});

test('matches are those of trying every pair', () => {
  const texts = [
    'all()',
    '!all()',
    "a == '1' || a == '1'",
    "has(a) || a == '1'",
    'has(a)',
    '!has(a)',
    "a == '1'",
    "a != '1'",
    "a == '1' && b == '2'",
    "a in {'1', '2'}",
    "a not in {'1'}",
    "has(a) || b == '1'",
    "(has(a) || has(b)) && c starts with '1'",
    "!(a == '1' || !has(b))",
    "a == '1' && a == '2'",
    "has(c) && b != '1'",
  ];
  const label = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2', '3'), { maxKeys: 3 });
  const action = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('item' as const),
        name: fc.integer({ min: 0, max: 12 }),
        label,
        inherited: label,
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('gone' as const), name: fc.integer({ min: 0, max: 12 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('selector' as const), which: fc.nat(texts.length - 1) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('unselect' as const), which: fc.nat(texts.length - 1) }) },
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
      const index = openIndex();
      const items = new Map<number, { one: TestItem; labels: ReadonlyMap<string, string> }>();
      const selectors = new Map<number, TestSelector>();
      for (const act of actions) {
        if (act.kind === 'item' || act.kind === 'gone') {
          const known = items.get(act.name);
          if (known !== undefined) index.remove(known.one);
          items.delete(act.name);
        }
        if (act.kind === 'item') {
          const one = item(String(act.name), act.label, act.inherited);
          items.set(act.name, { one, labels: new Map(Object.entries({ ...act.inherited, ...act.label })) });
          index.add(one);
        }
        if (act.kind === 'selector' && !selectors.has(act.which)) {
          const selector = { selector: parseSelector(texts[act.which] ?? ''), indexState: newIndexState() };
          selectors.set(act.which, selector);
          index.addSelectors([selector]);
        }
        const known = act.kind === 'unselect' ? selectors.get(act.which) : undefined;
        if (act.kind === 'unselect' && known !== undefined) {
          index.removeSelector(known);
          selectors.delete(act.which);
        }
      }
      for (const selector of selectors.values()) {
        const expected = [...items.values()].filter(({ labels }) => matchSelector(selector.selector, labels));
        expect([formatSelector(selector.selector), index.matches(selector)]).toEqual([
          formatSelector(selector.selector),
          expected.map(({ one }) => one.name).sort(),
        ]);
      }
    }),
    { seed: 77, numRuns: 400 },
  );
});
