// An agent whose watches are open and bring nothing, although the store goes on: it says so everywhere, reads everything anew
// by itself, and takes it back when the watches speak again.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const root = join(import.meta.dir, '../..');
const PORT = 23790;
const FAULT = '/run/fault';
const STALL_SECONDS = 10;
/** A look comes every third of that time, and the listing after it takes a moment. */
const NOTICE_MS = 2 * STALL_SECONDS * 1000;

let host: AgentHost;
let a: string;

const setFault = (fault: string) => host.must(`echo '${fault}' > ${FAULT}`);
const reaches = (pod: string) => host.run(`ip netns exec ${pod} ping -c1 -W0.3 ${a}`).status === 0;
const CALICOCTL = join(root, 'dist/bin/calicoctl');
const nodeStatus = () => host.run(`${CALICOCTL} node status`);
const log = () => host.must('cat /run/log/node.log');
const untilLogged = (words: string, timeoutMs: number) =>
  eventually(`"${words}" in the log`, timeoutMs, () => log().includes(words) || undefined);

/** The exit status, and what the plugin says. */
function askStatus() {
  const config = '{"cniVersion":"1.1.0","name":"net1","type":"calico","ipam":{"type":"calico-ipam"}}';
  return host.run(`echo '${config}' | CNI_COMMAND=STATUS CNI_PATH=/opt/cni/bin ${join(root, 'dist/cni/calico')}`);
}

const policy = (action: string) =>
  JSON.stringify({
    kind: 'GlobalNetworkPolicy',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'all' },
    spec: { selector: 'all()', types: ['Ingress'], ingress: [{ action }] },
  });
const putPolicy = (action: string) =>
  host.etcd.ctl('put', '/calico/resources/v3/projectcalico.org/globalnetworkpolicies/all', policy(action));

beforeAll(async () => {
  host = await openAgentHost();
  const proxy = `${process.execPath} ${join(root, 'test/support/etcd/etcd-proxy.ts')} ${PORT} ${host.etcd.endpoint} ${FAULT}`;
  host.must(`setsid ${proxy} > /run/proxy.log 2>&1 < /dev/null &`);
  await eventually('the proxy', 10_000, () => host.run('grep listening /run/proxy.log').status === 0 || undefined);
  const settings = `ETCD_ENDPOINTS=http://127.0.0.1:${PORT} DATASTORE_STALL_SECONDS=${STALL_SECONDS}`;
  host.must(`${settings} ${CALICOCTL} node run --name node-1 --ip autodetect --log-dir /run/log`);
  a = host.addPod('a', 'net1');
  host.addPod('b', 'net1');
}, 60_000);

afterAll(async () => {
  await host.close();
}, 20_000);

test('an agent that does not follow the store says so in log, node status and STATUS, and starts again by itself', async () => {
  expect(reaches('b')).toBe(true);
  expect([nodeStatus().status, askStatus().status]).toEqual([0, 0]);
  setFault('silent-watches');
  await putPolicy('Deny');
  const { elapsedMs } = await untilLogged('the datastore is not followed; it is read again', NOTICE_MS);
  expect(elapsedMs).toBeGreaterThan(STALL_SECONDS * 1000 - 500);
  const words = /follow datastore: it is at revision \d+, and nothing after \d+ has come for 10 s/;
  expect(askStatus().output).toMatch(words);
  const status = nodeStatus();
  expect(status.status).toBe(1);
  expect(status.output).toMatch(words);
  // what it has missed comes by the new listing, although the watches are still silent
  await eventually('the policy', 5_000, () => (reaches('b') ? undefined : true));

  setFault('');
  await untilLogged('the datastore is followed again', NOTICE_MS);
  expect([nodeStatus().status, askStatus().status]).toEqual([0, 0]);
  await putPolicy('Allow');
  await eventually('the other policy', 2_000, () => reaches('b') || undefined);
}, 90_000);
