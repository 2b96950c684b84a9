// A host whose /var/lib/calico cannot be written: an agent that follows a store of others starts and works, and what it
// could not write is named by its file.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

let host: AgentHost;

beforeAll(async () => {
  host = await openAgentHost();
}, 60_000);
afterAll(async () => {
  await host.close();
}, 20_000);

const MOUNT = 'mkdir -p /var/lib/calico && mount -t tmpfs -o size=64k tmpfs /var/lib/calico';
const FILL = 'dd if=/dev/zero of=/var/lib/calico/fill bs=1k >/dev/null 2>&1';

const ERROR = 'ERROR tools that read this file will not find what they look for: write "/var/lib/calico';

/** What cannot be written, and which files the log then names. */
const DISKS: readonly (readonly [what: string, prepare: string, named: readonly string[]])[] = [
  ['full from the beginning', `${MOUNT}; ${FILL}; true`, ['nodename', 'mtu']],
  ['read-only from the beginning', `${MOUNT}; mount -o remount,ro /var/lib/calico`, ['nodename', 'mtu']],
  [
    'full after an earlier start',
    `${MOUNT}; echo -n node-1 >/var/lib/calico/nodename; echo -n 1500 >/var/lib/calico/mtu; ${FILL}; true`,
    [],
  ],
  [
    'full, with the name of another time',
    `${MOUNT}; echo -n old >/var/lib/calico/nodename; ${FILL}; true`,
    ['nodename', 'mtu'],
  ],
  ['no directory', 'mount -t tmpfs -o size=64k tmpfs /var/lib && touch /var/lib/calico', ['nodename', 'mtu']],
];

for (const [index, [what, prepare, named]] of DISKS.entries()) {
  test(`/var/lib/calico is ${what}: the agent starts, and pods come and go`, async () => {
    host.must(prepare);
    await host.startAgent();
    for (const file of named)
      await eventually(file, 5_000, () => (host.log().includes(`${ERROR}/${file}": `) ? true : undefined));
    if (named.length === 0) expect(host.log()).not.toContain(ERROR);
    const pod = `p${index}`;
    expect(host.addPod(pod, 'net1')).toMatch(/^192\.168\./);
    expect(host.log()).toMatch(/ERROR a restored datastore will not be told of this pod again: .*\/var\/lib\/calico/);
    expect(host.cni('DEL', pod, 'net1')).toMatchObject({ status: 0, output: '' });
    await host.stopAgent('TERM');
    host.must('umount /var/lib/calico 2>/dev/null || umount /var/lib');
  }, 60_000);
}

test('a full /run keeps BIRD as it is, names the file, and goes on when there is room', async () => {
  await host.startAgent();
  await eventually('BIRD', 10_000, () => (/BIRD (runs|goes on)/.test(host.log()) ? true : undefined));
  await Bun.sleep(500);
  host.must(
    'mount -t tmpfs -o size=16k tmpfs /run/calico; dd if=/dev/zero of=/run/calico/fill bs=1k 2>/dev/null; true',
  );
  const spec = JSON.stringify({ peerIP: '10.98.0.9', asNumber: 65001 });
  await host.etcd.ctl(
    'put',
    '/calico/resources/v3/projectcalico.org/bgppeers/p',
    `{"kind":"BGPPeer","apiVersion":"projectcalico.org/v3","metadata":{"name":"p"},"spec":${spec}}`,
  );
  await Bun.sleep(1000);
  expect(host.log()).toContain('ERROR configure BIRD: write "/var/run/calico/bird.cfg.new": it cannot be written');
  host.must('umount -l /run/calico');
  await Bun.sleep(3000);
  expect(host.must('birdc -s /var/run/calico/bird.ctl show protocols')).toContain('Global_10_98_0_9');
  await host.stopAgent('TERM');
}, 60_000);
