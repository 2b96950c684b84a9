// A host of a cluster gets another address, or its uplink another MTU, under running agents, BIRDs and pods.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eventually, type Lab, openLab } from '../support/host/lab.ts';

const SERVER = '192.168.10.1';
let lab: Lab;

async function startPod(host: string, name: string, net: string, exec: string): Promise<void> {
  const run = `rkt run --net=${net} --uuid-file-save=/tmp/${name} docker://busybox --exec ${exec}`;
  await lab.must(
    host,
    `echo '{"name":"network1","cniVersion":"0.1.0","type":"calico","ipam":{"type":"calico-ipam"}}' >/etc/rkt/net.d/10-network1.conf
    setsid --fork ${run} >/tmp/${name}.log 2>&1 </dev/null
    for i in $(seq 100); do [ -s /tmp/${name} ] && break; sleep 0.1; done
    rkt status --uuid-file=/tmp/${name} --wait-ready=20s`,
  );
}

const enter = (pod: string) => `nsenter --net=/var/run/netns/cni-$(cat /tmp/${pod})`;

/** A connection that says a word ten times a second and gives up after half a minute without an answer. */
async function openFlow(): Promise<void> {
  const talk = `exec 3<>/dev/tcp/${SERVER}/7000; while echo word >&3 && read -t 30 word <&3; do date +%s%3N >>/tmp/flow; sleep 0.1; done`;
  await lab.must(
    'calico-02',
    `echo '${talk}' >/tmp/talk; : >/tmp/flow; setsid --fork ${enter('client')} bash /tmp/talk >/dev/null 2>&1 </dev/null`,
  );
  await eventually('the first answer', 5_000, async () => ((await answerTimes()).length > 0 ? true : undefined));
}

/** When the open flow has had answers, in milliseconds. */
async function answerTimes(): Promise<readonly number[]> {
  return (await lab.must('calico-02', 'cat /tmp/flow')).trim().split('\n').filter(Boolean).map(Number);
}

/** Waits for answers a while after the change; the longest silence since, in milliseconds. */
async function longestSilence(sinceMs: number): Promise<number> {
  const last = await eventually('the flow to go on', 30_000, async () => {
    const times = await answerTimes();
    return times.filter((time) => time > sinceMs + 2_000).length > 5 && Date.now() > sinceMs + 4_000
      ? times
      : undefined;
  });
  const times = last.filter((time) => time > sinceMs - 200);
  return Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? time)));
}

beforeAll(async () => {
  lab = await openLab('address');
  await Promise.all([
    startPod('calico-01', 'server', `network1:IP=${SERVER}`, 'nc -- -ll -p 7000 -e cat'),
    startPod('calico-02', 'client', 'network1', '/bin/sleep -- 600'),
  ]);
}, 90_000);

afterAll(async () => {
  await lab.down();
}, 30_000);

test('the Node, BIRD and the routes of others follow an address, and a running flow goes on within seconds', async () => {
  await openFlow();
  const sinceMs = Date.now();
  await lab.must(
    'calico-01',
    'ip address flush dev eth0; ip address add 10.99.0.51/24 dev eth0; ip route add default via 10.99.0.254',
  );
  await eventually('the session with the new address', 5_000, async () =>
    /\| 10\.99\.0\.51 +\| node-to-node mesh \| up +\|/.test(await lab.must('calico-02', 'calicoctl node status'))
      ? true
      : undefined,
  );
  expect(await longestSilence(sinceMs)).toBeLessThan(5_000);
  expect(await lab.must('calico-02', 'calicoctl get node calico-01 -o yaml')).toContain('ipv4Address: 10.99.0.51/24');
  expect(await lab.must('calico-02', 'ip route show proto bird')).toContain('via 10.99.0.51 ');
  expect(await lab.must('calico-02', 'calicoctl node status')).not.toContain('10.99.0.1 ');
  expect(await lab.must('calico-01', 'birdc -s /var/run/calico/bird.ctl show status')).toContain(
    'Router ID is 10.99.0.51',
  );
}, 90_000);

test('both ends of the links of pods follow the MTU of the uplinks, and a running flow goes on', async () => {
  const sinceMs = Date.now();
  for (const host of ['calico-01', 'calico-02']) await lab.must(host, 'ip link set eth0 mtu 1300');
  for (const [host, pod] of [
    ['calico-01', 'server'],
    ['calico-02', 'client'],
  ] as const)
    await eventually(`the MTU of ${pod}`, 3_000, async () =>
      (await lab.must(host, `${enter(pod)} ip link show eth0; ip link show type veth | grep cali`)).match(/ mtu 1300 /g)
        ?.length === 2
        ? true
        : undefined,
    );
  expect(await longestSilence(sinceMs)).toBeLessThan(1_000);
}, 60_000);
