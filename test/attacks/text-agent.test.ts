// The agent's log and the words about an app that cannot start: nothing in a store or a pod acts on who reads them.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';
import { openWorld, type World } from '../support/host/world.ts';
import { expectHarmless, expectNoControls, HOSTILE, hostileStore } from './text.ts';

let host: AgentHost;
let world: World;

beforeAll(async () => {
  [host, world] = await Promise.all([openAgentHost(), openWorld()]);
}, 60_000);

afterAll(async () => {
  await Promise.all([host.close(), world.close()]);
});

test('the log of an agent on a hostile store has one line an event, without control characters', async () => {
  for (const [key, value] of hostileStore()) await host.etcd.ctl('put', '--', key, value);
  await host.startAgent();
  await eventually('the log to name what cannot be read', 10_000, () =>
    host.log().includes('\\x1b') ? true : undefined,
  );
  expectHarmless('log', host.log());
  const ownOrBird = /^\d{4}-\d\d-\d\d(T\S+Z (INFO|WARN|ERROR)| \S+ <[A-Z]+>) /;
  for (const line of host.log().trimEnd().split('\n')) expect(line).toMatch(ownOrBird);
  await host.stopAgent('TERM');
}, 60_000);

test('a program that crun cannot execute is named without control characters', async () => {
  const run = await world.rkt('run', '--net=none', 'busybox', `--exec=/bin/no\x1b[31mthing\x9b2J`);
  expect(`${run.stdout}${run.stderr}`).toContain('\\x1b[31mthing');
  expectNoControls('run', `${run.stdout}${run.stderr}`);
}, 30_000);

test('what an image claims is shown without control characters', async () => {
  const run = await world.rkt('run', '--net=none', 'busybox', `--user=${HOSTILE}`, `--working-dir=/${HOSTILE}`);
  expect(run.status).not.toBe(0);
  expectNoControls('run', `${run.stdout}${run.stderr}`);
}, 30_000);
