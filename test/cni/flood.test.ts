// A flood of CNI calls: the agent holds a bounded number of them for a bounded time and tells the rest to come back.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { CniServer } from '../../src/cni/server/server.ts';
import { MAX_REQUEST_BYTES } from '../../src/shim/wire.ts';
import { type CniHost, openCniHost, openServer } from '../support/host/cni-host.ts';

const LIMITS = { calls: 4, bytes: 2 * MAX_REQUEST_BYTES, timeoutMs: 1_000 };
const CONFIG = JSON.stringify({ name: 'network1', cniVersion: '1.0.0', type: 'calico', ipam: { type: 'calico-ipam' } });
const STATUS = `calico\0\0CNI_COMMAND=VERSION\0\0${CONFIG}`;

let host: CniHost;
let server: CniServer;
let path: string;

beforeAll(async () => {
  host = await openCniHost();
  path = join(host.folder, 'flood.sock');
  server = await openServer(host.context, path, LIMITS);
});

afterAll(async () => {
  await server.close();
  await host.close();
});

interface Caller {
  readonly socket: Socket;
  /** Everything that was answered, when the connection has ended. */
  readonly answer: Promise<string>;
}

function call(): Caller {
  const socket = connect({ path, allowHalfOpen: true });
  const answer = new Promise<string>((resolve, reject) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', reject);
    socket.on('end', () => {
      socket.end();
      resolve(text);
    });
  });
  return { socket, answer };
}

async function ask(request = STATUS): Promise<string> {
  const { socket, answer } = call();
  socket.end(request);
  return answer;
}

const codeOf = (answer: string): unknown => (JSON.parse(answer.slice(1)) as { code?: unknown }).code;

test('more calls than it holds are told to come back, and those that say nothing are ended', async () => {
  expect(await ask()).toContain('"supportedVersions"');
  const silent = Array.from({ length: LIMITS.calls }, call);
  await Bun.sleep(50);
  const turnedAway = await Promise.all([ask(), ask(), ask(`${STATUS}${' '.repeat(100_000)}`)]);
  expect(turnedAway.map((answer) => [answer.charCodeAt(0), codeOf(answer)])).toEqual([
    [1, 11],
    [1, 11],
    [1, 11],
  ]);
  const startedMs = performance.now();
  for (const { answer } of silent) expect(await answer).toContain('it did not come to its end in time');
  expect(performance.now() - startedMs).toBeLessThan(5 * LIMITS.timeoutMs);
  expect(await ask()).toContain('"supportedVersions"');
});

test('long requests together are bounded, each by itself as well', async () => {
  const long = 'x'.repeat(MAX_REQUEST_BYTES - 1000);
  const slow = [call(), call()];
  for (const { socket } of slow) socket.write(`calico\0\0\0${long}`);
  await Bun.sleep(200);
  expect(codeOf(await ask(`calico\0\0\0${long}`))).toBe(11);
  for (const { socket } of slow) socket.end();
  for (const { answer } of slow) expect((await answer).charCodeAt(0)).toBe(1);
  expect(await ask(`${STATUS}${' '.repeat(MAX_REQUEST_BYTES)}`)).toContain(`more than ${MAX_REQUEST_BYTES} bytes`);
  expect(await ask()).toContain('"supportedVersions"');
});

test('a caller that never takes its answer and never goes does not keep the server from closing', async () => {
  const other = await openServer(host.context, `${path}2`, LIMITS);
  const socket = connect({ path: `${path}2`, allowHalfOpen: true });
  socket.on('error', () => undefined);
  socket.write(STATUS);
  await Bun.sleep(50);
  const startedMs = performance.now();
  await other.close();
  expect(performance.now() - startedMs).toBeLessThan(5 * LIMITS.timeoutMs);
  socket.destroy();
});
