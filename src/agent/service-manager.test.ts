import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as libc from '../sys/libc.ts';
import { takeServiceManager } from './service-manager.ts';

const folder = mkdtempSync(join(tmpdir(), 'ocitest-notify-'));
afterAll(() => rmSync(folder, { recursive: true }));

const AF_UNIX = 1;
const SOCK_DGRAM = 2;

/** What comes at a socket of this name while `work` is done; a leading zero byte for one of the abstract name space. */
function received(name: string, work: () => void): string {
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM, 0);
  try {
    libc.bind(fd, Uint8Array.of(AF_UNIX, 0, ...new TextEncoder().encode(name)));
    work();
    const into = new Uint8Array(200);
    return new TextDecoder().decode(into.subarray(0, libc.recv(fd, into)));
  } finally {
    libc.close(fd);
  }
}

test('assignments come in one datagram, a line each, at a path', () => {
  const environment = { NOTIFY_SOCKET: join(folder, 'socket'), HOME: '/' };
  const tell = takeServiceManager(environment);
  expect(received(join(folder, 'socket'), () => tell('READY=1', 'STATUS=here'))).toBe('READY=1\nSTATUS=here');
});

test('and at a name of the abstract name space', () => {
  const tell = takeServiceManager({ NOTIFY_SOCKET: `@ocitest-${process.pid}` });
  expect(received(`\0ocitest-${process.pid}`, () => tell('STOPPING=1'))).toBe('STOPPING=1');
});

test('what this process starts does not inherit the name', () => {
  const environment = { NOTIFY_SOCKET: '/run/x', HOME: '/' };
  takeServiceManager(environment);
  expect(environment).toEqual({ HOME: '/' } as typeof environment);
});

test('nothing is said where nobody asks, and a socket that has gone is no failure', () => {
  takeServiceManager({})('READY=1');
  takeServiceManager({ NOTIFY_SOCKET: 'relative' })('READY=1');
  takeServiceManager({ NOTIFY_SOCKET: join(folder, 'gone') })('READY=1');
});
