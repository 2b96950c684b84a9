// An agent that stays stopped for longer than its peers wait for a restart: packets between hosts go on, since BIRD does.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eventually, type Lab, openLab } from '../support/host/lab.ts';

const RESTART_SECONDS = 2;
const network = '{"name":"network1","cniVersion":"0.1.0","type":"calico","ipam":{"type":"calico-ipam"}}';
let lab: Lab;
let address: string;

const configuration = `{apiVersion: projectcalico.org/v3, kind: BGPConfiguration, metadata: {name: default},
  spec: {nodeMeshMaxRestartTime: ${RESTART_SECONDS}s}}`;

/** How many of ten pings a second, from a new pod of the other host, are answered in so many seconds. */
const startPings = (seconds: number) =>
  lab.must(
    'calico-01',
    `rkt run --net=network1 docker://busybox --exec=/bin/ping -- -i 0.1 -c ${seconds * 10} -W 1 ${address} 2>&1 | grep -oE '[0-9]+ packets transmitted, [0-9]+ packets received'`,
  );

const established = (host: string) => lab.must(host, 'calicoctl node status');
const route = async () => (await lab.must('calico-01', 'ip route show proto bird')).includes('via');

beforeAll(async () => {
  lab = await openLab('stopped', 2);
  for (const host of ['calico-01', 'calico-02'])
    await lab.must(host, `mkdir -p /etc/rkt/net.d; echo '${network}' >/etc/rkt/net.d/10.conf`);
  await lab.must('calico-01', `echo '${configuration}' | calicoctl apply -f -`);
  await lab.must('calico-01', 'rkt fetch docker://busybox >/dev/null');
  await lab.must(
    'calico-02',
    'rkt run --net=network1 --uuid-file-save=/run/pod docker://busybox --exec=/bin/sleep -- 600 >/dev/null 2>&1 </dev/null &',
  );
  address = await eventually('the pod', 20_000, async () => {
    const { stdout } = await lab.on('calico-02', 'rkt status $(cat /run/pod) | grep -oE "network1:ip4=[0-9.]+"');
    return stdout === '' ? undefined : stdout.trim().replace('network1:ip4=', '');
  });
  // the changed time has both sides open their session anew
  await eventually('a steady session', 40_000, async () => {
    const outcome = (await startPings(2)).trim();
    return outcome === '20 packets transmitted, 20 packets received' ? true : undefined;
  });
}, 120_000);
afterAll(async () => {
  await lab.down();
}, 30_000);

for (const signal of ['TERM', 'KILL'] as const) {
  test(`after SIG${signal} no packet is lost while the agent is away, nor when it comes back`, async () => {
    const pings = startPings(6 * RESTART_SECONDS);
    await Bun.sleep(RESTART_SECONDS * 1000); // the other host's agent must know the pod that pings
    await lab.endAgent('calico-02', signal);
    await Bun.sleep(3 * RESTART_SECONDS * 1000);
    expect(await established('calico-01')).toContain('Established');
    await lab.startAgent('calico-02', 1);
    expect((await pings).trim()).toBe(
      `${60 * RESTART_SECONDS} packets transmitted, ${60 * RESTART_SECONDS} packets received`,
    );
  }, 60_000);
}

test('BIRD keeps nothing of the pod that its agent was', async () => {
  await lab.endAgent('calico-02', 'KILL');
  const pod = await lab.must('calico-02', "rkt list --no-legend --full | grep calico/node | awk '{ print $4 }'");
  expect(pod).not.toContain('running');
  await lab.must('calico-02', 'rkt gc --grace-period=0s >/dev/null');
  expect((await lab.must('calico-02', 'pgrep -xc bird')).trim()).toBe('1');
  expect(await lab.must('calico-02', 'birdc -s /var/run/calico/bird.ctl configure')).toContain('Reconfigured');
  await lab.startAgent('calico-02', 1);
}, 60_000);

test('what limits it: a BIRD that ends meanwhile is missed after the restart time, and back with the agent', async () => {
  await lab.endAgent('calico-02', 'TERM');
  await lab.must('calico-02', 'birdc -s /var/run/calico/bird.ctl graceful restart');
  await eventually('the end of the route', 15_000, async () => ((await route()) ? undefined : true));
  await lab.startAgent('calico-02', 1);
  await eventually('the route', 15_000, async () => ((await route()) ? true : undefined));
}, 60_000);

test('BIRD is stopped for good as the installation guide says', async () => {
  await lab.endAgent('calico-02', 'TERM');
  await lab.must('calico-02', 'birdc -s /var/run/calico/bird.ctl down');
  await eventually('the end', 5000, async () =>
    (await lab.on('calico-02', 'pgrep -x bird')).status === 0 ? undefined : true,
  );
  await lab.startAgent('calico-02', 1);
}, 60_000);
