// The agent whose table of rules is its own: others flush in vain, also while no agent lives, and from agent to agent; what
// happens to the table when its holder is ended too is undone by the next agent.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, DESCRIBE_PROTECTION, eventually, openAgentHost } from '../support/host/agent-host.ts';

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

test('promise 6: nobody else flushes the rules, before and after a restart by SIGTERM and by SIGKILL', async () => {
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

/** A holder that has been killed is a zombie here: nobody collects those whose agent is gone. */
const HOLDERS = 'ps -eo pid=,stat=,args= | awk \'$2 !~ /Z/ && $3 == "ocicat-table-holder" { print $1 }\'';
const holders = () => host.must(HOLDERS).trim().split('\n').filter(Boolean);

test.each(['TERM', 'KILL'] as const)(
  'nobody else flushes the rules while no agent lives, after SIG%s',
  async (signal) => {
    await host.stopAgent(signal);
    expect(holders()).toHaveLength(1);
    expect(countLeaks()).toBe(0);
    expectIsolation();
    for (const family of ['inet', 'arp'])
      expect(host.run(`nft delete table ${family} ocicat`).output).toContain('Operation not permitted');
    await host.startAgent();
    expect(holders()).toHaveLength(1);
    expectIsolation();
    expect(host.log()).not.toContain('firewall repaired');
  },
  60_000,
);

test('promise 3: nothing that is denied passes, and no flow ends, while rules are flushed all the time and agents come and go', async () => {
  host.must('(while [ ! -f /run/enough ]; do nft flush ruleset; sleep 0.002; done) > /dev/null 2>&1 &');
  host.must(
    `setsid ip netns exec c ping -q -i0.005 -W0.2 ${a} > /run/stranger 2>&1 < /dev/null & echo $! > /run/stranger.pid`,
  );
  host.must(
    `setsid ip netns exec b ping -q -i0.01 -W1 ${a} > /run/friend 2>&1 < /dev/null & echo $! > /run/friend.pid`,
  );
  for (const signal of ['KILL', 'TERM', 'KILL'] as const) {
    await host.stopAgent(signal);
    await Bun.sleep(300);
    await host.startAgent();
  }
  host.must('touch /run/enough; kill -INT $(cat /run/stranger.pid) $(cat /run/friend.pid); sleep 0.5');
  expect(host.must('cat /run/stranger')).toMatch(/\d{3,} packets transmitted, 0 received/);
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(host.must('cat /run/friend')) ?? [];
  expect(Number(sent)).toBeGreaterThan(100);
  expect(received).toBe(sent);
}, 60_000);

test('a holder that is killed has a successor within seconds', async () => {
  const [before] = holders();
  host.must(`kill -KILL ${before}`);
  await eventually('another one', 5_000, () => (holders().length === 1 && holders()[0] !== before) || undefined);
  await host.stopAgent('KILL');
  expect(countLeaks()).toBe(0);
  await host.startAgent();
}, 60_000);

test('rules that were flushed while neither agent nor holder lived are there again when one has started', async () => {
  await host.stopAgent('KILL');
  host.must(`kill -KILL $(${HOLDERS})`);
  await eventually(
    'the table to be free',
    5_000,
    () => host.run('nft delete table inet ocicat').status === 0 || undefined,
  );
  await host.startAgent();
  await eventually('the rules', 5_000, () => (reaches('c') ? undefined : true));
  expectIsolation();
  expect(countLeaks()).toBe(0);
}, 60_000);
