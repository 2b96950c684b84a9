import { expect, test } from 'bun:test';
import { isUuid, resolveUuid } from './uuid.ts';

const known = ['6876aae5-1111-4222-8333-444444444444', '6876bbbb-1111-4222-8333-444444444444'];

test('a prefix in any case finds its pod', () => {
  expect(resolveUuid('6876AA', known)).toBe('6876aae5-1111-4222-8333-444444444444');
});

test.each([
  ['', 'UUID cannot be empty'],
  ['F', 'no matches found for "f"'],
  ['6876', 'ambiguous uuid, 2 matches'],
])('"%s" is refused', (prefix, message) => {
  expect(() => resolveUuid(prefix, known)).toThrow(message);
});

test('only a whole lower-case UUID is one', () => {
  expect(isUuid(known[0] ?? '')).toBe(true);
  expect(isUuid('6876aae5')).toBe(false);
  expect(isUuid('../../../../etc/passwd')).toBe(false);
});
