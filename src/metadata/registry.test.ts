import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashToken, type Registration } from './registration.ts';
import { openRegistry } from './registry.ts';

let directory: string;
let held: Set<string>;
let warnings: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ocitest-registry-'));
  held = new Set(['/pods/a', '/pods/b']);
  warnings = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = () => openRegistry({ directory, isHeld: (path) => held.has(path), warn: (line) => warnings.push(line) });

const TOKEN = 'ab'.repeat(16);

function pod(letter: string, token: string, address: string): Registration {
  const uuid = `${letter.repeat(8)}-aaaa-4aaa-8aaa-aaaaaaaaaaaa`;
  const manifest = '{"apps":[]}';
  return { uuid, tokenHash: hashToken(token), address, podPath: `/pods/${letter}`, manifest, images: {} };
}

test('a pod is known by its token and its address together, and by neither alone', () => {
  const registry = open();
  registry.put(pod('a', TOKEN, '10.0.0.1'));
  registry.put(pod('b', 'cd'.repeat(16), '10.0.0.2'));
  expect(registry.tryFind('10.0.0.1', TOKEN)?.uuid).toStartWith('aaaaaaaa');
  expect(registry.tryFind('10.0.0.2', TOKEN)).toBeUndefined();
  expect(registry.tryFind('10.0.0.1', 'cd'.repeat(16))).toBeUndefined();
  expect(registry.tryFind('10.0.0.1', '')).toBeUndefined();
  expect([registry.hasAddress('10.0.0.2'), registry.hasAddress('10.0.0.3')]).toEqual([true, false]);
});

test('registered again, a pod has its new token alone', () => {
  const registry = open();
  registry.put(pod('a', TOKEN, '10.0.0.1'));
  registry.put(pod('a', 'cd'.repeat(16), '10.0.0.1'));
  expect(registry.tryFind('10.0.0.1', TOKEN)).toBeUndefined();
  expect(registry.tryFind('10.0.0.1', 'cd'.repeat(16))).toBeDefined();
});

test('a service that starts again knows the pods that live, from files that hold no token and that root alone reads', () => {
  const before = open();
  before.put(pod('a', TOKEN, '10.0.0.1'));
  before.put(pod('b', 'cd'.repeat(16), '10.0.0.2'));
  held.delete('/pods/b');
  const files = readdirSync(directory).map((file) => join(directory, file));
  expect(files.map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
  expect(files.some((file) => readFileSync(file, 'utf8').includes(TOKEN))).toBe(false);
  const after = open();
  expect(after.tryFind('10.0.0.1', TOKEN)).toMatchObject(pod('a', TOKEN, '10.0.0.1'));
  expect(after.hasAddress('10.0.0.2')).toBe(false);
  expect(readdirSync(directory)).toHaveLength(1);
});

test('a pod that ended without being unregistered is not answered, and forgotten', () => {
  const registry = open();
  registry.put(pod('a', TOKEN, '10.0.0.1'));
  held.delete('/pods/a');
  expect(registry.tryFind('10.0.0.1', TOKEN)).toBeUndefined();
  expect([registry.hasAddress('10.0.0.1'), readdirSync(directory)]).toEqual([false, []]);
  expect(registry.forget(pod('a', TOKEN, '').uuid)).toBe(false);
});

test('a damaged file is reported and dropped; what a kill left of one is no registration', () => {
  writeFileSync(join(directory, 'x.json'), '{"uuid":"x"}');
  writeFileSync(join(directory, '.y.json.draft'), '');
  open();
  expect(warnings).toEqual([expect.stringContaining('x.json": uuid: found "x", wanted a UUID')]);
  expect(readdirSync(directory)).toEqual(['.y.json.draft']);
});
