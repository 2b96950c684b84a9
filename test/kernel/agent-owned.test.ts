// The agent whose table of rules is its own: others flush in vain, restarts hand it over, and what happens to it while no agent
// lives is undone by the next one.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, DESCRIBE_PROTECTION, eventually, openAgentHost } from './agent-host.ts';

let host: AgentHost;
let a: string;

beforeAll(async () => {
  host = await openAgentHost();
  await host.startAgent();
  a = host.addPod('a', 'net1');
  host.addPod('b', 'net1');
  host.addPod('c', 'net2');
}, 60_000);

afterAll(async () => {
  await host.close();
}, 20_000);

const reaches = (pod: string) => host.run(`ip netns exec ${pod} ping -c1 -W0.5 ${a}`).status === 0;

function expectIsolation(): void {
  expect(reaches('b')).toBe(true);
  expect(reaches('c')).toBe(false);
}

/** Flushes all rulesets all the time for a second, and counts answers to a hundred packets of the stranger. */
function countLeaks(): number {
  const output = host.must(`
    (for i in $(seq 60); do nft flush ruleset; sleep 0.01; done) &
    ip netns exec c ping -q -i0.01 -c100 -W0.2 ${a} | grep -oE '[0-9]+ received'
    wait`);
  return Number.parseInt(output, 10);
}

test('nobody else flushes the rules, before and after a restart by SIGTERM and by SIGKILL', async () => {
  for (const signal of ['TERM', 'KILL'] as const) {
    expect(countLeaks()).toBe(0);
    expectIsolation();
    await host.stopAgent(signal);
    expectIsolation();
    await host.startAgent();
    expectIsolation();
  }
  expect(countLeaks()).toBe(0);
  expect(host.log()).not.toContain('firewall repaired');
}, 60_000);

test('node status has nothing to say about rules that nobody else can change', () => {
  expect(host.must(DESCRIBE_PROTECTION).trim()).toBe('');
});

test('rules that were flushed while no agent lived are there again when one has started', async () => {
  await host.stopAgent('KILL');
  host.must('nft flush ruleset');
  await host.startAgent();
  await eventually('the rules', 5_000, () => (reaches('c') ? undefined : true));
  expectIsolation();
  expect(countLeaks()).toBe(0);
}, 60_000);
