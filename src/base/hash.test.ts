import { expect, test } from 'bun:test';
import { shortHash } from './hash.ts';

test('the beginning of the base64url SHA-256', () => {
  // sha256 of "" is e3b0c442…, in base64url 47DEQp…
  expect(shortHash('', 43)).toBe('47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU');
  expect(shortHash('', 6)).toBe('47DEQp');
  expect(shortHash('a', 6)).not.toBe(shortHash('b', 6));
});
