// A machine with a store of its own joins a cluster: its pods run on, their flows lose nothing, and the cluster knows them;
// wherever the move is killed, the same command brings it to its end.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const root = join(import.meta.dir, '../..');
const CALICOCTL = join(root, 'dist/bin/calicoctl');
const MOVED = '/var/lib/calico/datastore.cfg';
/** What stands between the command and the cluster's etcd. */
const PROXY_PORT = 23790;
const FAULT = '/run/fault';

let host: AgentHost;
let a: string;

const onHost = (line: string) => host.run(`${CALICOCTL} ${line}`);
const inCluster = (line: string) => host.must(`ETCD_ENDPOINTS=${host.etcd.endpoint} ${CALICOCTL} ${line}`);
const move = () => onHost('datastore move --to /run/cluster.cfg');
const log = () => host.must('cat /run/log/node.log');
const reaches = (from: string, to: string) => host.run(`ip netns exec ${from} ping -c1 -W0.5 ${to}`).status === 0;
const startAgent = () => host.must(`${CALICOCTL} node run --name node-1 --ip autodetect --log-dir /run/log`);
const agents = () => host.run("ps -C calico-node -o pid=,stat= | awk '$2 !~ /Z/ { print $1 }'").output.trim();
const KINDS = ['workloadendpoints', 'profiles', 'ippools', 'nodes'];
const namesOf = (get: (line: string) => string) => KINDS.map((kind) => get(`get ${kind} -o name`).trim());

const FOLLOWS = 'The agent of this host follows the cluster.\n';

function writeConfig(path: string, endpoint: string): void {
  host.must(`cat >${path} <<'END'
apiVersion: projectcalico.org/v3
kind: CalicoAPIConfig
metadata: {}
spec: {datastoreType: etcdv3, etcdEndpoints: "${endpoint}"}
END`);
}

beforeAll(async () => {
  host = await openAgentHost();
  startAgent();
  a = host.addPod('a', 'net1');
  host.addPod('b', 'net1');
  host.addPod('c', 'net2');
  writeConfig('/run/cluster.cfg', host.etcd.endpoint);
  writeConfig('/run/proxy.cfg', `http://127.0.0.1:${PROXY_PORT}`);
  const proxy = `${process.execPath} ${join(root, 'test/support/etcd/etcd-proxy.ts')} ${PROXY_PORT} ${host.etcd.endpoint} ${FAULT}`;
  host.must(`setsid ${proxy} > /run/proxy.log 2>&1 < /dev/null &`);
  await eventually('the proxy', 10_000, () => host.run('grep listening /run/proxy.log').status === 0 || undefined);
}, 60_000);

afterAll(async () => {
  await host.close();
}, 20_000);

/** Pings all the time, a hundred a second, until ended; how many had no answer. */
function startFlow(from: string, to: string) {
  const output = `/run/flow-${from}`;
  host.must(
    `setsid ip netns exec ${from} ping -q -i0.01 -W2 ${to} > ${output} 2>&1 < /dev/null & echo $! > ${output}.pid`,
  );
  return () => {
    host.must(`kill -INT $(cat ${output}.pid)`);
    host.must(`for i in $(seq 50); do grep -q received ${output} && exit; sleep 0.05; done; exit 1`);
    const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(host.must(`cat ${output}`)) ?? [];
    return { sent: Number(sent), lost: Number(sent) - Number(received) };
  };
}

/** All that the cluster knows is what the machine knew, and traffic is as it was. */
function expectMoved(before: readonly string[]): void {
  expect(namesOf(inCluster)).toEqual([...before]);
  expect(inCluster('ipam check')).toContain('Check complete; found 0 problems.');
  expect([reaches('b', a), reaches('c', a)]).toEqual([true, false]);
}

/** The way back; the cluster is empty again when nobody follows it any more. */
async function goBack(): Promise<void> {
  host.must(`rm -f ${MOVED} && kill -HUP ${agents()}`);
  await eventually('its own store', 20_000, () => (onHost('datastore unlock').status === 0 ? true : undefined));
  await eventually('the agent', 20_000, () => (onHost('node status').status === 0 ? true : undefined));
  await host.etcd.kill();
  host.etcd.wipe();
  await host.etcd.start();
}

test('the move of a private store into an empty cluster keeps pods, addresses, policy and flows', async () => {
  const before = namesOf((line) => onHost(line).output);
  const agent = agents();
  const flows = [startFlow('b', a), startFlow('a', '10.98.0.2')];
  expect(onHost('datastore move --to /run/cluster.cfg --dry-run').output).toMatch(/^Would write \d+ entries into/);
  expect(move().output).toEndWith(FOLLOWS);
  await Bun.sleep(2_000);
  for (const end of flows) {
    const { sent, lost } = end();
    expect(sent).toBeGreaterThan(100);
    expect(lost).toBe(0);
  }
  expectMoved(before);
  expect(agents()).toBe(agent);
  expect(log()).not.toContain('firewall repaired');
  expect(host.run('pgrep -f "etcd --name private"').status).toBe(1);
}, 60_000);

test('the move again changes nothing; a new agent follows the cluster, and pods come and go', () => {
  expect(move().output).toBe(FOLLOWS);
  startAgent();
  expect(onHost('get nodes -o name').output).toBe('node/node-1\n');
  const d = host.addPod('d', 'net1');
  expect(reaches('b', d)).toBe(true);
  expect(inCluster('get workloadendpoints')).toContain(d);
  expect(host.cni('DEL', 'd', 'net1').status).toBe(0);
  host.must(`kill ${agents()}`);
  host.must(`for i in $(seq 100); do [ -S /var/run/calico/cni.sock ] || exit 0; sleep 0.1; done; exit 1`);
  expect(move().output).toContain('no agent runs here: start it as before, it follows the cluster now');
  startAgent();
}, 60_000);

const held = () => host.run(`test -f ${FAULT}.held`).status === 0 || undefined;

test.each(['hold-request 1', 'hold-answer 1'])(
  'a move that is killed at its write into the cluster (%s) is brought to its end by the next',
  async (fault) => {
    await goBack();
    const before = namesOf((line) => onHost(line).output);
    const flow = startFlow('b', a);
    host.must(`rm -f ${FAULT}.held; echo '${fault}' > ${FAULT}`);
    host.must(
      `${CALICOCTL} datastore move --to /run/proxy.cfg > /run/move.log 2>&1 < /dev/null & echo $! > /run/move.pid`,
    );
    await eventually('the write', 10_000, held);
    host.must(`kill -KILL $(cat /run/move.pid); rm ${FAULT}`);
    expect(onHost('node status').output).toContain('Calico is currently not ready to process requests');
    expect(reaches('b', a)).toBe(true);
    expect(move().output).toEndWith(FOLLOWS);
    expectMoved(before);
    expect(flow().lost).toBe(0);
  },
  60_000,
);

test('a move that is killed before the agent is told, or with the agent, is brought to its end by the next', async () => {
  await goBack();
  const before = namesOf((line) => onHost(line).output);
  const flow = startFlow('b', a);
  host.must(`${CALICOCTL} datastore lock && cp /run/cluster.cfg ${MOVED}`);
  expect(move().output).toEndWith(FOLLOWS);
  expectMoved(before);
  for (const delay of ['0.05']) {
    await goBack();
    host.must(
      `${CALICOCTL} datastore move --to /run/cluster.cfg > /run/move.log 2>&1 < /dev/null & echo $! > /run/move.pid`,
    );
    host.must(`for i in $(seq 1000); do [ -f ${MOVED} ] && break; sleep 0.005; done; sleep ${delay}
      kill -KILL $(cat /run/move.pid) ${agents()}
      flock -w 5 /var/run/calico/calico-node.lock true`);
    startAgent();
    expect(move().output).toEndWith(FOLLOWS);
    expectMoved(before);
  }
  expect(flow().lost).toBe(0);
}, 90_000);

test('a cluster that does not answer, or is locked, leaves the machine as it was', async () => {
  await goBack();
  writeConfig('/run/dead.cfg', 'http://127.0.0.1:9');
  expect(onHost('datastore move --to /run/dead.cfg').output).toContain('connect to etcd "http://127.0.0.1:9"');
  inCluster('datastore lock');
  expect(move().output).toBe('datastore move: the cluster is locked; unlock it first\n');
  expect(onHost('node status').status).toBe(0);
  host.must(`cp /run/dead.cfg ${MOVED} && kill -HUP ${agents()}`);
  await eventually('the words', 10_000, () => log().includes('follow the move of the datastore: ') || undefined);
  expect(onHost('node status').status).toBe(0);
  host.must(`rm ${MOVED}`);
}, 60_000);
