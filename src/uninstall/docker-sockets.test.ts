import { expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as libc from '../sys/libc.ts';
import { removeDockerSockets } from './docker-sockets.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;

/** As a killed process leaves it: the name is there, and nobody listens. */
function leaveSocket(path: string): void {
  const fd = libc.socket(AF_UNIX, SOCK_STREAM, 0);
  libc.bind(fd, Uint8Array.of(AF_UNIX, 0, ...new TextEncoder().encode(path)));
  libc.close(fd);
}

test("sockets at which nobody answers go, and those of another program's plugins stay", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ocitest-docker-'));
  try {
    leaveSocket(join(folder, 'calico-ipam.sock'));
    leaveSocket(join(folder, 'another.sock'));
    const other = Bun.listen({ unix: join(folder, 'calico.sock'), socket: { data: () => undefined } });
    expect(await removeDockerSockets(folder)).toEqual([`removed ${join(folder, 'calico-ipam.sock')}`]);
    expect(readdirSync(folder).sort()).toEqual(['another.sock', 'calico.sock']);
    other.stop(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the folder goes with the last of them, and none is no failure', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ocitest-docker-'));
  leaveSocket(join(folder, 'calico.sock'));
  await removeDockerSockets(folder);
  expect(existsSync(folder)).toBe(false);
  expect(await removeDockerSockets(folder)).toEqual([]);
});
