import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { findRefused } from './refused.ts';

/** A BIRD that refuses whatever holds one of the bad parts. */
function birdWithout(parts: readonly string[], bad: ReadonlySet<string>) {
  let tries = 0;
  return {
    tries: () => tries,
    tryWithout: async (leftOut: ReadonlySet<string>) => {
      tries += 1;
      const first = parts.find((part) => bad.has(part) && !leftOut.has(part));
      return first === undefined ? undefined : `no ${first}`;
    },
  };
}

test('whatever is refused is found, and nothing else is left out', async () => {
  const cases = fc
    .uniqueArray(fc.string({ minLength: 1 }), { maxLength: 60 })
    .chain((parts) => fc.record({ parts: fc.constant(parts), bad: fc.subarray(parts), suspects: fc.subarray(parts) }));
  await fc.assert(
    fc.asyncProperty(cases, async ({ parts, bad, suspects }) => {
      const bird = birdWithout(parts, new Set(bad));
      const refused = await findRefused(parts, new Set(suspects), bird.tryWithout);
      expect([...refused].sort()).toEqual(bad.map((part): [string, string] => [part, `no ${part}`]).sort());
    }),
  );
});

test('one of a thousand costs 21 tries, and when it is known two', async () => {
  const parts = Array.from({ length: 1000 }, (_, index) => `part ${index}`);
  const bad = new Set(['part 777']);
  const first = birdWithout(parts, bad);
  await findRefused(parts, new Set(), first.tryWithout);
  expect(first.tries()).toBeLessThanOrEqual(21);
  const second = birdWithout(parts, bad);
  await findRefused(parts, bad, second.tryWithout);
  expect(second.tries()).toBe(2);
});

test('tries are bounded; what is in doubt then is left out and said so', async () => {
  const parts = Array.from({ length: 2000 }, (_, index) => `part ${index}`);
  const bird = birdWithout(parts, new Set(parts));
  const refused = await findRefused(parts, new Set(), bird.tryWithout);
  expect(bird.tries()).toBe(500);
  expect(refused.size).toBe(2000);
  expect(refused.get('part 1999')).toBe('not tried, since so many others are refused');
});
