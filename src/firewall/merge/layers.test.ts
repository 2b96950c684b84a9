// What is asked for in layers decides as what is asked for one after the other.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { computeLayers } from './layers.ts';
import type { Reach } from './reach.ts';
import type { Segment } from './segment.ts';

const [TCP, UDP] = [6, 17];

function segment(action: Segment['action'], ...reaches: readonly Reach[]): Segment {
  return { action, boxes: [], reaches, called: undefined };
}

const port = (protocol: number, ...ports: readonly number[]): Reach => ({ protocol, ports });
const all = (protocol?: number): Reach => ({ protocol, ports: undefined });

test('policies that allow and deny different things are two runs, however many they are', () => {
  const segments = Array.from({ length: 100 }, (_, number) => [
    segment('allow', port(TCP, number)),
    segment('deny', port(UDP, number), port(TCP, 1_000)),
  ]).flat();
  expect(new Set(computeLayers(segments))).toEqual(new Set([0]));
});

test('what meets the same packets comes behind, and what has the same action need not', () => {
  expect(
    computeLayers([
      segment('allow', port(TCP, 80)),
      segment('deny', all(TCP)),
      segment('allow', port(TCP, 81)),
      segment('allow', port(UDP, 53)),
      segment('pass', all()),
      segment('deny', all(UDP)),
    ]),
  ).toEqual([0, 1, 2, 0, 3, 4]);
});

test('nothing passes a place that counts', () => {
  const place = segment(undefined);
  expect(computeLayers([segment('allow', port(TCP, 1)), place, segment('allow', port(TCP, 1)), place])).toEqual([
    0, 1, 2, 3,
  ]);
});

function meets(a: Reach, b: Reach): boolean {
  if (a.protocol !== undefined && b.protocol !== undefined && a.protocol !== b.protocol) return false;
  if (a.protocol === undefined || b.protocol === undefined) return true;
  return a.ports === undefined || b.ports === undefined || a.ports.some((one) => b.ports?.includes(one));
}

const reach: fc.Arbitrary<Reach> = fc.record({
  protocol: fc.constantFrom(TCP, UDP, undefined),
  ports: fc.option(fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }), { nil: undefined }),
});
const segments = fc.array(
  fc
    .tuple(fc.constantFrom('allow', 'deny', 'pass', undefined), fc.array(reach, { minLength: 1, maxLength: 2 }))
    .map(([action, reaches]) => segment(action, ...(action === undefined ? [] : reaches))),
  { maxLength: 12 },
);

test('of two that meet and act differently the later one is in a later layer, and a place without an action is alone', () => {
  fc.assert(
    fc.property(segments, (list) => {
      const layers = computeLayers(list);
      for (const [later, b] of list.entries())
        for (const [earlier, a] of list.slice(0, later).entries()) {
          const isPlace = a.action === undefined || b.action === undefined;
          const isBehind = (layers[later] ?? 0) > (layers[earlier] ?? 0);
          const conflicts = a.action !== b.action && a.reaches.some((one) => b.reaches.some((two) => meets(one, two)));
          if (isPlace || conflicts) expect(isBehind).toBe(true);
        }
    }),
  );
});
