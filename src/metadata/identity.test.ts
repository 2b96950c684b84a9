import { afterAll, expect, test } from 'bun:test';
import { createHmac } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureKey, sign, verify } from './identity.ts';

const directory = mkdtempSync(join(tmpdir(), 'ocitest-key-'));
afterAll(() => rmSync(directory, { recursive: true }));

const uuid = '4feaa097-5d8e-49f8-b16d-891fd607ebae';
const other = '4feaa097-5d8e-49f8-b16d-891fd607ebaf';
const content = Buffer.from('to whom it may concern');

test('a signature is HMAC-SHA512 over the bytes of the UUID and the content, and holds for that pod and content alone', () => {
  const key = Buffer.alloc(64, 7);
  const signature = sign(key, uuid, content);
  const bytes = Buffer.from('4feaa0975d8e49f8b16d891fd607ebae', 'hex');
  expect(signature).toBe(
    createHmac('sha512', key)
      .update(Buffer.concat([bytes, content]))
      .digest('base64'),
  );
  const decoded = Buffer.from(signature, 'base64');
  expect(verify(key, uuid, content, decoded)).toBe(true);
  expect(verify(key, other, content, decoded)).toBe(false);
  expect(verify(key, uuid, Buffer.from('to whom it may concerm'), decoded)).toBe(false);
  expect(verify(Buffer.alloc(64, 8), uuid, content, decoded)).toBe(false);
  expect(verify(key, uuid, content, decoded.subarray(0, 63))).toBe(false);
  expect(verify(key, uuid, content, Buffer.alloc(0))).toBe(false);
});

test('the key is made once, for root alone, and stays', () => {
  const path = join(directory, 'new/hmac.key');
  const key = ensureKey(path);
  expect(key.length).toBe(64);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(directory, 'new')).mode & 0o777).toBe(0o700);
  expect(Buffer.compare(ensureKey(path), key)).toBe(0);
  rmSync(path);
  expect(Buffer.compare(ensureKey(path), key)).not.toBe(0);
});

test('a key that others may have read, a short one, and a link are refused', () => {
  const path = join(directory, 'key');
  writeFileSync(path, Buffer.alloc(64), { mode: 0o600 });
  chmodSync(path, 0o640);
  expect(() => ensureKey(path)).toThrow('it is not one of root alone');
  chmodSync(path, 0o600);
  writeFileSync(path, 'short');
  expect(() => ensureKey(path)).toThrow('it has 5 bytes, wanted 64');
  const link = join(directory, 'link');
  symlinkSync(path, link);
  expect(() => ensureKey(link)).toThrow('it is not one of root alone');
  expect(readFileSync(path, 'utf8')).toBe('short');
});
