// An address used again does not inherit conversations: every host forgets what its last owner was allowed.
import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

/** Addresses of endpoints of another node, which lives in the namespace `outside`. */
const REUSED = '10.66.0.5';
const STEADY = '10.66.0.6';
const PORT = 7000;
const ENDPOINTS = '/calico/resources/v3/projectcalico.org/workloadendpoints/default';

let host: AgentHost;
/** In the network qa, on the host with the agent. */
let server: string;

const ECHO = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", ${PORT}))
print("listening", flush=True)
while True:
    data, peer = s.recvfrom(64)
    print("heard", peer[0], flush=True)
    s.sendto(data, peer)`;

/** Says a word from the same port all the time, whoever has the address by now. */
const TALK = (address: string, to: string) => `
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("${address}", 4000)); s.settimeout(0.05)
while True:
    s.sendto(b"word", ("${to}", ${PORT}))
    try: s.recv(64)
    except socket.timeout: continue
    print("answer", flush=True)
    time.sleep(0.02)`;

function start(where: string, program: string, output: string): void {
  host.must(`setsid ip netns exec ${where} python3 -c '${program}' > ${output} 2>&1 < /dev/null &`);
}

const endpointOf = (name: string, address: string, profile: string, more: object = {}) =>
  JSON.stringify({
    apiVersion: 'projectcalico.org/v3',
    kind: 'WorkloadEndpoint',
    metadata: { name: `node--2-cni-${name}-eth0`, namespace: 'default', ...more },
    spec: {
      ...{ node: 'node-2', orchestrator: 'cni', workload: '', containerID: name, endpoint: 'eth0' },
      ...{ ipNetworks: [`${address}/32`], profiles: [profile], interfaceName: `cali${name}`, mac: '02:00:00:00:00:05' },
    },
  });

const keyOf = (name: string) => `${ENDPOINTS}/node--2-cni-${name}-eth0`;
const put = (name: string, address: string, profile: string, more: object = {}) =>
  host.etcd.ctl('put', keyOf(name), endpointOf(name, address, profile, more));
const RANGE = '/calico/resources/v3/projectcalico.org/globalnetworksets/range';
const range = JSON.stringify({
  ...{ apiVersion: 'projectcalico.org/v3', kind: 'GlobalNetworkSet', metadata: { name: 'range', labels: { qa: '' } } },
  spec: { nets: ['10.77.0.0/16'] },
});

/** In one transaction: the endpoint goes and a range becomes a member of its network. */
async function replaceByRange(name: string): Promise<void> {
  host.must(`etcdctl --endpoints ${host.etcd.endpoint} txn <<'END'

del ${keyOf(name)}
put ${RANGE} '${range}'


END`);
}

const remove = (name: string) => host.etcd.ctl('del', keyOf(name));

const count = (who: string): number => Number(host.must(`grep -c answer /run/talk-${who} || true`));
const heard = (): number => Number(host.must(`grep -c 'heard ${REUSED}' /run/echo || true`));

async function expectTalk(who: string): Promise<void> {
  const before = count(who);
  await eventually(`${who} to have answers`, 5_000, () => (count(who) > before + 3 ? true : undefined));
}

/** No word passes in either direction for a second, although both sides would speak. */
async function expectSilence(): Promise<void> {
  const quiet = async (): Promise<boolean> => {
    const before = [count('reused'), heard()];
    await Bun.sleep(1_000);
    return count('reused') === before[0] && heard() === before[1];
  };
  for (let tries = 0; tries < 3; tries++) if (await quiet()) return;
  throw new Error('they go on talking');
}

beforeAll(async () => {
  host = await openAgentHost();
  host.must(`ip -n outside address add ${REUSED}/32 dev eth0; ip -n outside address add ${STEADY}/32 dev eth0
    sysctl -qw net.ipv4.conf.eth0.forwarding=1`);
  await host.startAgent();
  server = host.addPod('server', 'qa');
  host.addPod('other', 'qb');
  await put('steady', STEADY, 'qa');
  start('server', ECHO, '/run/echo');
  await eventually('the server', 10_000, () => (host.must('cat /run/echo').includes('listening') ? true : undefined));
  start('outside', TALK(REUSED, server), '/run/talk-reused');
  start('outside', TALK(STEADY, server), '/run/talk-steady');
}, 60_000);

beforeEach(async () => {
  for (const name of ['a', 'b']) await remove(name);
  await host.etcd.ctl('del', RANGE);
  await put('a', REUSED, 'qa');
  await expectTalk('reused');
}, 20_000);

afterAll(async () => {
  await host.close();
}, 20_000);

const changes: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['its endpoint goes', () => remove('a')],
  [
    'its endpoint goes and one of another network comes',
    async () => {
      await remove('a');
      await put('b', REUSED, 'qb');
    },
  ],
  [
    'one of another network comes before its endpoint goes',
    async () => {
      await put('b', REUSED, 'qb');
      await remove('a');
    },
  ],
  ['its endpoint gets another network', () => put('a', REUSED, 'qb')],
  ['its endpoint goes as a range joins the network', () => replaceByRange('a')],
  ['its endpoint gets another address', () => put('a', '10.66.0.77', 'qa')],
];

test.each(changes)(
  'an address is silent when %s, and others go on talking',
  async (_what, change) => {
    await change();
    await expectSilence();
    await expectTalk('steady');
  },
  30_000,
);

test.each(changes)(
  'also when no agent ran while %s',
  async (_what, change) => {
    await host.stopAgent('KILL');
    await change();
    await host.startAgent();
    await expectSilence();
    await expectTalk('steady');
  },
  60_000,
);

test('what changes nothing about who it is leaves the conversation as it is', async () => {
  host.must(`nft -f - <<'END'
table inet probe {
  chain new { type filter hook prerouting priority 0; ip saddr ${REUSED} ct state new counter; }
}
END`);
  await expectTalk('reused');
  const begun = () => /packets (\d+)/.exec(host.must('nft list chain inet probe new'))?.[1];
  const before = begun();
  await put('a', REUSED, 'qa', { annotations: { note: 'x' } });
  await put('b', '10.66.0.78', 'qa');
  await expectTalk('reused');
  expect(begun()).toBe(before);
  await put('a', REUSED, 'qa', { labels: { role: 'x' } });
  await expectTalk('reused');
}, 20_000);

test("the host's own endpoint that gets another network loses its conversations", async () => {
  const key = `${ENDPOINTS}/node--1-cni-server-eth0`;
  const stored = JSON.parse(await host.etcd.ctl('get', '--print-value-only', key)) as { spec: { profiles: string[] } };
  await host.etcd.ctl('put', key, JSON.stringify({ ...stored, spec: { ...stored.spec, profiles: ['qb'] } }));
  await expectSilence();
  await host.etcd.ctl('put', key, JSON.stringify(stored));
  await expectTalk('reused');
}, 30_000);
