import { expect, test } from 'bun:test';
import { findCircles } from './circles.ts';

const circlesOf = (edges: Record<string, readonly string[]>) => findCircles(new Map(Object.entries(edges)));

test('files that reach each other are a circle, what leads to it or away from it is not', () => {
  expect(circlesOf({ a: ['b'], b: ['c'], c: ['d'], d: ['b', 'e'], e: [] })).toEqual([['b', 'c', 'd']]);
});

test('two circles are two, and a file that imports itself is one', () => {
  expect(circlesOf({ a: ['b'], b: ['a'], c: ['c'], d: ['e'], e: ['d', 'a'] })).toEqual([['a', 'b'], ['c'], ['d', 'e']]);
});

test('many ways to one file are no circle', () => {
  expect(circlesOf({ a: ['b', 'c'], b: ['d'], c: ['d', 'b'], d: [] })).toEqual([]);
});
