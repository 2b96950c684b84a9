import { expect, test } from 'bun:test';
import { isOwnTokenServer } from './realm.ts';

test.each([
  ['registry.example.com', 'registry.example.com'],
  ['registry.example.com', 'auth.registry.example.com'],
  ['registry.gitlab.com', 'gitlab.com'],
  ['registry-1.docker.io', 'auth.docker.io'],
  ['localhost', 'localhost'],
  ['127.0.0.1', '127.0.0.1'],
  ['[::1]', '[::1]'],
])('%s may send to %s', (registry, server) => {
  expect(isOwnTokenServer(registry, server)).toBe(true);
});

test.each([
  ['registry.example.com', 'auth.example.com'],
  ['a.co.uk', 'b.co.uk'],
  ['registry.example.com', 'example.com.attacker.net'],
  ['registry.example.com', 'evilregistry.example.com'],
  ['evil-docker.io', 'auth.docker.io'],
  ['quay.io', 'auth.docker.io'],
  ['registry-1.docker.io', 'auth.docker.io.attacker.net'],
  ['registry.example.com', 'com'],
  ['registry.example.com', ''],
  ['db.localhost', 'localhost'],
  ['127.0.0.1', '127.0.0.2'],
  ['127.0.0.1', 'localhost'],
  ['127.0.0.1', '0.1'],
  ['[::1]', '[::2]'],
])('%s may not send to %s', (registry, server) => {
  expect(isOwnTokenServer(registry, server)).toBe(false);
});
