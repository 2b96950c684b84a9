import { expect, test } from 'bun:test';
import { printJsonPath } from './jsonpath.ts';

const document = { metadata: { name: 'a', labels: { 'x.y/z': 'v', plain: 'w' } }, items: [{ n: 1 }, { n: 2 }] };

test.each<[template: string, out: string]>([
  ['{.metadata.name}', 'a'],
  ['.metadata.name', 'a'],
  ['{.metadata.labels.x\\.y/z}', 'v'],
  ["{.metadata.labels['x\\.y/z']}", 'v'],
  ["{.metadata.labels['x.y/z']}", 'v'],
  ['{.metadata.labels.plain}', 'w'],
  ['{.items[*].n}', '1 2'],
  ['{.items[0].n}', '1'],
  ['{.nowhere}', ''],
])('%s', (template, out) => {
  expect(printJsonPath(template, document)).toBe(`${out}\n`);
});

test.each<[template: string, expected: string]>([
  ['{.items[}', 'read jsonpath "{.items[}": ".items[" is no path'],
  ['{.items]}', 'read jsonpath "{.items]}": ".items]" is no path'],
  ['{.items', 'read jsonpath "{.items": a brace is not closed'],
  ['{range .items[*]}x', 'read jsonpath "{range .items[*]}x": a range has no {end}'],
])('%s is refused', (template, expected) => {
  expect(() => printJsonPath(template, document)).toThrow(expected);
});
