// One name, two hosts: whatever the second does, the workloads of the first stay what they are.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eventually, type Lab, openLab, type Result } from '../support/host/lab.ts';

const ETCD = 'http://underlay:2379';
const NAME = 'calico-01';
const CONFIG = '{"name":"network1","cniVersion":"0.1.0","type":"calico","ipam":{"type":"calico-ipam"}}';
const UNTIL_GONE_S = 20;
let lab: Lab;

/** The other host as if it had the first one's name; it is ended after a while if it was let in. */
function impostor(seconds: number, more = ''): Promise<Result> {
  const settings = `ETCD_ENDPOINTS=${ETCD} NODENAME=${NAME} IP=autodetect ${more}`;
  return lab.on('calico-02', `${settings} timeout -s TERM ${seconds} calico-node`);
}

const endpoints = async () => (await lab.must(NAME, 'calicoctl get wep -o name -A')).trim();
const machine = async () =>
  /"machine":"(\w+)"/.exec(
    await lab.must(NAME, `etcdctl --endpoints ${ETCD} get --print-value-only /calico/ocicat/v1/nodes/${NAME}/host`),
  )?.[1] ?? '';
const agentPid = async () => (await lab.must(NAME, 'pgrep -x calico-node')).trim();
const address = () => lab.must(NAME, `calicoctl get node ${NAME} -o jsonpath='{.spec.bgp.ipv4Address}'`);
const isReady = async (host: string) =>
  (
    await lab.on(
      host,
      'CNI_COMMAND=STATUS CNI_PATH=/opt/cni/bin /opt/cni/bin/calico <<< \'{"cniVersion":"1.1.0","name":"x","type":"calico","ipam":{"type":"calico-ipam"}}\'',
    )
  ).status === 0;

let before: { readonly endpoints: string; readonly address: string };

beforeAll(async () => {
  lab = await openLab('node-name');
  await lab.must(NAME, `mkdir -p /etc/rkt/net.d; echo '${CONFIG}' >/etc/rkt/net.d/10-network1.conf`);
  const run = 'rkt run --net=network1 --uuid-file-save=/tmp/pod docker://busybox --exec /bin/sleep -- 900';
  await lab.must(NAME, `setsid --fork ${run} >/tmp/pod.log 2>&1 </dev/null`);
  await eventually('the pod to run', 20_000, async () => ((await endpoints()) === '' ? undefined : true));
  await lab.endAgent('calico-02', 'TERM');
  before = { endpoints: await endpoints(), address: await address() };
}, 120_000);
afterAll(() => lab?.down(), 30_000);

const expectUntouched = async () => expect({ endpoints: await endpoints(), address: await address() }).toEqual(before);

test('a second host of a living name does not start, and names the first', async () => {
  const { status, stderr } = await impostor(40);
  expect(status).toBe(1);
  expect(stderr).toContain(
    `start as node "${NAME}": another host of that name lives: hostname "${NAME}", machine ${await machine()}`,
  );
  await expectUntouched();
}, 60_000);

test('a clone of the first one’s disk does not start either', async () => {
  const id = (await lab.must(NAME, 'cat /var/lib/calico/host-id')).trim();
  await lab.must('calico-02', `mv /var/lib/calico/host-id /tmp/; echo ${id} >/var/lib/calico/host-id`);
  expect((await impostor(40)).stderr).toContain('another host of that name lives');
  await lab.must('calico-02', 'mv /tmp/host-id /var/lib/calico/');
  await expectUntouched();
}, 60_000);

test('a living node is not deleted', async () => {
  const { status, stderr } = await lab.on(NAME, `calicoctl delete node ${NAME}`);
  expect([status, stderr.includes('its agent runs, hostname "calico-01"')]).toEqual([1, true]);
  await expectUntouched();
}, 30_000);

test('an agent that was killed is back without a pause', async () => {
  await lab.endAgent(NAME, 'KILL');
  const startedMs = performance.now();
  await lab.startAgent(NAME, 0);
  expect(performance.now() - startedMs).toBeLessThan(12_000);
  expect(await lab.must(NAME, 'cat /var/log/calico/node.log')).not.toContain('waiting to see whether it lives');
  await expectUntouched();
}, 60_000);

test('the name of a host that is out of reach is not taken while it has workloads', async () => {
  await lab.must(NAME, `kill -STOP ${await agentPid()}; sleep ${UNTIL_GONE_S}`);
  const { status, stderr } = await impostor(40);
  expect(status).toBe(1);
  expect(stderr).toContain('with 1 endpoints and 1 addresses');
  expect(stderr).toContain(`set CALICO_NODE_TAKEOVER=${await machine()}`);
  await lab.must(NAME, `kill -CONT ${await agentPid()}`);
  await eventually('the first to have its name again', 10_000, async () =>
    (
      await lab.must(NAME, `etcdctl --endpoints ${ETCD} get --keys-only /calico/ocicat/v1/nodes/${NAME}/agent`)
    ).trim() === ''
      ? undefined
      : true,
  );
  expect(await isReady(NAME)).toBe(true);
  await expectUntouched();
}, 90_000);

test('a named step takes the name over; the first one ends when it comes back, and removes nothing', async () => {
  const [old, pid] = [await machine(), await agentPid()];
  await lab.must(NAME, `kill -STOP ${pid}; sleep ${UNTIL_GONE_S}`);
  await lab.must(NAME, 'calicoctl delete node calico-02'); // whose address it is about to have
  const taken = impostor(25, `CALICO_NODE_TAKEOVER=${old}`);
  await eventually('the second to be let in', 15_000, async () => ((await machine()) === old ? undefined : true));
  await lab.must(NAME, `kill -CONT ${pid}`);
  await lab.must(NAME, `timeout 15 tail --pid=${pid} -s 0.1 -f /dev/null`);
  expect(await lab.must(NAME, 'grep "keep the name" /var/log/calico/node.log')).toContain(
    `keep the name of node "${NAME}": it has been taken by hostname "calico-02"`,
  );
  expect(await endpoints()).toBe(before.endpoints);
  expect((await taken).stderr).toContain(`node "${NAME}" is taken over, as was asked for, from hostname "${NAME}"`);
}, 120_000);
