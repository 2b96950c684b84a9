// A machine that ran for itself joins a cluster of which another host is a member: what cannot be both is named before anything
// is moved, and afterwards its pods, which have run on, and those of the other host reach each other.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eventually, type Lab, openLab } from '../support/host/lab.ts';

const MEMBER = 'calico-01';
const ALONE = 'calico-02';
/** Addresses of one block. */
const pods = [
  { name: 'p1', host: MEMBER, address: '192.168.10.1', network: 'network1' },
  { name: 'p2', host: ALONE, address: '192.168.10.2', network: 'network1' },
  { name: 'p3', host: ALONE, address: '192.168.10.3', network: 'network1' },
  { name: 'p4', host: ALONE, address: '192.168.10.4', network: 'network2' },
] as const;
type Pod = (typeof pods)[number];

let lab: Lab;
const netns = new Map<string, string>();

async function startPod({ name, host, address, network }: Pod): Promise<void> {
  const text = `{"name":"${network}","cniVersion":"0.1.0","type":"calico","ipam":{"type":"calico-ipam"}}`;
  const file = `/tmp/${name}.uuid`;
  await lab.must(host, `echo '${text}' >/etc/rkt/net.d/10-${network}.conf`);
  const run = `rkt run --net=${network}:IP=${address} --uuid-file-save=${file} docker://busybox --exec sleep -- 600`;
  await lab.must(host, `setsid --fork ${run} >/tmp/${name}.log 2>&1 </dev/null`);
  const path = await eventually(`pod ${name} to run`, 30_000, async () => {
    const probe = `rkt status --uuid-file=${file} | grep -q "^state=running" && rkt list | grep -q "ip4=${address}," && cat /var/lib/rkt/pods/run/$(cat ${file})/netns`;
    const { status, stdout } = await lab.on(host, probe);
    return status === 0 ? stdout.trim() : undefined;
  });
  netns.set(name, path);
}

const reaches = async ({ name, host }: Pod, to: Pod) =>
  (await lab.on(host, `nsenter --net=${netns.get(name)} ping -n -q -c1 -W1 ${to.address}`)).status === 0;
const podOf = (wanted: Pod['name']) => pods.find(({ name }) => name === wanted) ?? pods[0];

const policy = (action: string) => `calicoctl apply -f - <<'END'
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: of-both}
spec: {selector: role == 'x', ingress: [{action: ${action}}]}
END`;

beforeAll(async () => {
  lab = await openLab('move');
  await lab.endAgent(ALONE, 'TERM');
  await lab.must(MEMBER, `calicoctl delete node ${ALONE}`);
  await lab.must(ALONE, 'mv /etc/calico/calicoctl.cfg /etc/calico/cluster.cfg; rm -f /var/lib/calico/nodename');
  await lab.must(ALONE, `env -u ETCD_ENDPOINTS calicoctl node run --name ${ALONE} --ip autodetect`);
  await Promise.all(
    [MEMBER, ALONE].map(async (host) => {
      for (const pod of pods.filter((one) => one.host === host)) await startPod(pod);
    }),
  );
}, 120_000);

afterAll(async () => {
  await lab.down();
}, 30_000);

test('a machine with pods joins a cluster with other hosts: conflicts first, then all at once, and no flow is lost', async () => {
  const [p1, p2, p3, p4] = (['p1', 'p2', 'p3', 'p4'] as const).map(podOf) as [Pod, Pod, Pod, Pod];
  expect([await reaches(p2, p3), await reaches(p2, p4), await reaches(p1, p2)]).toEqual([true, false, false]);
  await lab.must(MEMBER, policy('Allow'));
  await lab.must(ALONE, policy('Deny'));
  const move = 'calicoctl datastore move --to /etc/calico/cluster.cfg';
  const refused = await lab.on(ALONE, move);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('GlobalNetworkPolicy(of-both) is another one in the cluster: spec.ingress');
  await lab.must(ALONE, policy('Allow'));

  const flow = `ping -n -q -i0.01 -W2 ${p3.address}`;
  await lab.must(ALONE, `setsid --fork nsenter --net=${netns.get('p2')} ${flow} >/tmp/flow 2>&1 </dev/null`);
  expect(await lab.must(ALONE, move)).toEndWith('The agent of this host follows the cluster.\n');
  await eventually('traffic between the hosts', 30_000, async () => ((await reaches(p1, p2)) ? true : undefined));
  await Bun.sleep(1_000);
  await lab.must(
    ALONE,
    'pkill -INT -x ping; for i in $(seq 50); do grep -q received /tmp/flow && exit; sleep 0.1; done; exit 1',
  );
  const [, sent, received] =
    /(\d+) packets transmitted, (\d+) received/.exec(await lab.must(ALONE, 'cat /tmp/flow')) ?? [];
  expect(Number(sent)).toBeGreaterThan(100);
  expect(received).toBe(sent);

  const all = await Promise.all([reaches(p2, p1), reaches(p3, p1), reaches(p4, p1), reaches(p1, p4), reaches(p2, p4)]);
  expect(all).toEqual([true, true, false, false, false]);
  expect(await lab.must(MEMBER, 'calicoctl ipam check')).toContain('Check complete; found 0 problems.');
  expect(await lab.must(MEMBER, 'calicoctl get nodes -o name')).toBe(`node/${MEMBER}\nnode/${ALONE}\n`);
  expect(await lab.must(MEMBER, 'calicoctl node status')).toContain('Established');
}, 90_000);
