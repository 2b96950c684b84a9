import { afterAll, beforeAll, expect, test } from 'bun:test';
import { ABOUT_LABS } from '../../src/lab/commands.ts';
import { eventually, type Lab, openLab } from '../support/host/lab.ts';
import { isAllowed, type Protocol, readSnapshot } from './oracle.ts';

/** A place that packets come from and go to: a pod, or a host itself. */
interface Peer {
  readonly name: string;
  readonly host: string;
  readonly address: string;
  readonly network: string | undefined;
}

const pods: readonly Peer[] = [
  { name: 'a1', host: 'calico-01', address: '192.168.10.1', network: 'network1' },
  { name: 'b1', host: 'calico-01', address: '192.168.10.2', network: 'network1' },
  { name: 'c2', host: 'calico-01', address: '192.168.10.3', network: 'network2' },
  { name: 'd1', host: 'calico-02', address: '192.168.20.1', network: 'network1' },
  { name: 'e2', host: 'calico-02', address: '192.168.20.2', network: 'network2' },
];
const hosts: readonly Peer[] = [
  { name: 'calico-01', host: 'calico-01', address: '10.99.0.1', network: undefined },
  { name: 'calico-02', host: 'calico-02', address: '10.99.0.2', network: undefined },
];
const peers = [...pods, ...hosts];
const PARALLEL = 12;

let lab: Lab;
const netns = new Map<string, string>();

async function startPod(pod: Peer): Promise<void> {
  const file = `/tmp/${pod.name}.uuid`;
  const run = `rkt run --net=${pod.network}:IP=${pod.address} --uuid-file-save=${file} docker://busybox --exec httpd -- -f -h /`;
  await lab.must(pod.host, `setsid --fork ${run} >/tmp/${pod.name}.log 2>&1 </dev/null`);
  const path = await eventually(`pod ${pod.name} to run`, 30_000, async () => {
    const probe = `rkt status --uuid-file=${file} | grep -q "^state=running" && rkt list | grep -q "ip4=${pod.address}," && cat /var/lib/rkt/pods/run/$(cat ${file})/netns`;
    const result = await lab.on(pod.host, probe);
    return result.status === 0 ? result.stdout.trim() : undefined;
  });
  netns.set(pod.name, path);
}

beforeAll(async () => {
  lab = await openLab('packets');
  for (const { name: host } of hosts) {
    for (const name of ['network1', 'network2']) {
      const text = `{"name":"${name}","cniVersion":"0.1.0","type":"calico","ipam":{"type":"calico-ipam"}}`;
      await lab.must(host, `echo '${text}' >/etc/rkt/net.d/10-${name}.conf`);
    }
    await lab.must(host, 'busybox httpd -p 80 -h /etc');
  }
  await Promise.all(
    hosts.map(async ({ host }) => {
      for (const pod of pods.filter((one) => one.host === host)) await startPod(pod);
    }),
  );
}, 120_000);

afterAll(async () => {
  await lab.down();
}, 30_000);

/** One real packet, and whether an answer came. */
async function probe(from: Peer, to: Peer, protocol: Protocol): Promise<boolean> {
  const inside = from.network === undefined ? '' : `nsenter --net=${netns.get(from.name)} `;
  const command =
    protocol === 'tcp'
      ? `timeout 2 ${inside}bash -c 'exec 3<>/dev/tcp/${to.address}/80'`
      : `${inside}ping -n -q -c 1 -W 1 ${to.address}`;
  return (await lab.on(from.host, command)).status === 0;
}

/** Every ordered pair but a place with itself and host with host, by both protocols: `a1 -tcp-> b1: yes`. */
async function observeAll(): Promise<readonly string[]> {
  const pairs = peers.flatMap((from) =>
    peers.filter((to) => to !== from && (from.network ?? to.network) !== undefined).map((to) => [from, to] as const),
  );
  const work = pairs.flatMap(([from, to]) => (['tcp', 'icmp'] as const).map((protocol) => ({ from, to, protocol })));
  const lines: string[] = [];
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (let item = work.pop(); item !== undefined; item = work.pop()) {
        const { from, to, protocol } = item;
        lines.push(`${from.name} -${protocol}-> ${to.name}: ${(await probe(from, to, protocol)) ? 'yes' : 'no'}`);
      }
    }),
  );
  return lines.sort();
}

/**
 * The same lines from the oracle; what a host sends to a workload of its own is never policed (Calico v3.33,
 * felix/rules/static.go).
 */
async function expectAll(): Promise<readonly string[]> {
  const snapshot = await readSnapshot(lab);
  return peers
    .flatMap((from) =>
      peers.filter((to) => to !== from && (from.network ?? to.network) !== undefined).map((to) => ({ from, to })),
    )
    .flatMap(({ from, to }) =>
      (['tcp', 'icmp'] as const).map((protocol) => {
        const own = from.network === undefined && from.host === to.host;
        const allowed = own || isAllowed(snapshot, from.address, to.address, protocol);
        return `${from.name} -${protocol}-> ${to.name}: ${allowed ? 'yes' : 'no'}`;
      }),
    )
    .sort();
}

test('every pair of pods and hosts gets through or not as its networks say', async () => {
  const expected = await expectAll();
  expect(expected).toContain('a1 -tcp-> d1: yes');
  expect(expected).toContain('c2 -tcp-> a1: no');
  expect(expected).toContain('calico-02 -icmp-> a1: no');
  expect(await observeAll()).toEqual(expected);
}, 120_000);

test("what a Log rule writes stands in the agent's log of the host, and help says where", async () => {
  const spec = 'selector: has(network1), types: [Egress], egress: [{action: Log}, {action: Allow}]';
  const policy = `{apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: {name: log}, spec: {${spec}}}`;
  await lab.must('calico-01', `calicoctl apply -f - <<'EOF'\n${policy}\nEOF`);
  await Bun.sleep(500);
  const [a1, , , d1] = pods;
  if (a1 === undefined || d1 === undefined) throw new Error('no pods');
  expect(await probe(a1, d1, 'icmp')).toBe(true);
  const line = 'INFO calico-packet: IN=cali[^ ]+ OUT=eth0 SRC=192.168.10.1 DST=192.168.20.1 .*PROTO=ICMP TYPE=8 CODE=0';
  await eventually('the line', 2_000, async () =>
    (await lab.on('calico-01', `grep -qE '${line}' /var/log/calico/node.log`)).status === 0 ? true : undefined,
  );
  await lab.must('calico-01', 'calicoctl delete gnp log');
  expect(ABOUT_LABS.join()).toContain('/var/log/calico/node.log');
}, 30_000);

test('policies change what gets through, for new packets at once, and go again', async () => {
  const policy = `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: web-only}
spec:
  selector: has(network1)
  order: 10
  ingress:
  - {action: Deny, protocol: ICMP, source: {selector: has(network1)}}
  - {action: Allow, protocol: TCP, source: {selector: has(network2)}, destination: {ports: [80]}}
  - {action: Pass}`;
  const before = await expectAll();
  await lab.must('calico-01', `calicoctl apply -f - <<'EOF'\n${policy}\nEOF`);
  const expected = await expectAll();
  expect(expected).not.toEqual(before);
  expect(expected).toContain('c2 -tcp-> a1: yes');
  expect(expected).toContain('a1 -icmp-> b1: no');
  await Bun.sleep(1_000);
  expect(await observeAll()).toEqual(expected);
  await lab.must('calico-01', 'calicoctl delete gnp web-only');
  await Bun.sleep(1_000);
  expect(await observeAll()).toEqual(before);
}, 180_000);
