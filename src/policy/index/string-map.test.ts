// The map from texts does what the engine's own does, whatever comes and goes.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { createStringMap, deleteString, getString, setString } from './string-map.ts';

const key = fc.oneof(
  fc.integer({ min: 0, max: 60 }).map((n) => `endpoint-${n}`),
  fc.string({ maxLength: 2 }),
);
const step = fc.record({ key, value: fc.option(fc.record({ n: fc.nat() }), { nil: undefined }) });

test('a map from texts holds what was set and not deleted', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const [map, wanted] = [createStringMap<{ n: number }>(), new Map<string, { n: number }>()];
      for (const { key, value } of steps) {
        if (value === undefined) deleteString(map, key);
        else setString(map, key, value);
        if (value === undefined) wanted.delete(key);
        else wanted.set(key, value);
        expect(getString(map, key)).toBe(value);
      }
      for (const [key, value] of wanted) expect(getString(map, key)).toBe(value);
      expect([...map.keys].sort()).toEqual([...wanted.keys()].sort());
      expect(new Set(map.values)).toEqual(new Set(wanted.values()));
      expect(map.slots.length).toBeLessThanOrEqual(Math.max(8, wanted.size * 16));
    }),
  );
});
