// Addresses on real hosts with real agents: many containers at once on two hosts out of one narrow pool, and containers that go
// without a DEL.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { eventually, type Lab, openLab } from '../support/host/lab.ts';
import type { BurstCall } from '../support/host/plugin-burst.ts';

const HOSTS = ['calico-01', 'calico-02'] as const;
const CONTAINERS = 200;
const ROUNDS = 10;
/** Room for all of them, in 16 blocks of which each host needs more than seven. */
const POOL = `apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: burst}
spec: {cidr: 10.66.0.0/23, blockSize: 27, assignmentMode: Manual}`;
const bun = join(import.meta.dir, '../../node_modules/.bin/bun');
const burstProgram = join(import.meta.dir, '../support/host/plugin-burst.ts');

/** A host of a lab has a /tmp of its own. */
const isSeenByHosts = !import.meta.dir.startsWith('/tmp/');

let lab: Lab;
beforeAll(async () => {
  lab = await openLab('addresses');
  await lab.must('calico-01', `calicoctl apply -f - <<'EOF'\n${POOL}\nEOF`);
  const names = `for i in $(seq 0 ${CONTAINERS - 1}); do ip netns add burst-$i; done`;
  await Promise.all(HOSTS.map((host) => lab.must(host, names)));
}, 120_000);
afterAll(() => lab?.down(), 60_000);

/** Everybody at once, on both hosts. */
async function burst(command: 'ADD' | 'DEL', round: number): Promise<readonly BurstCall[]> {
  const perHost = await Promise.all(
    HOSTS.map(async (host): Promise<readonly BurstCall[]> => {
      const line = `${bun} ${burstProgram} ${command} round${round}-${host} ${CONTAINERS}`;
      return JSON.parse(await lab.must(host, line));
    }),
  );
  const calls = perHost.flat();
  expect(calls.filter(({ status }) => status !== 0).map(({ output }) => output)).toEqual([]);
  return calls;
}

/** What the store has of endpoints, handles and addresses in blocks. */
async function observeStore(): Promise<{ readonly keys: readonly string[]; readonly held: number }> {
  const etcdctl = 'etcdctl --endpoints http://underlay:2379 get --prefix';
  const all = await lab.must('calico-01', `${etcdctl} /calico --keys-only`);
  const blocks = await lab.must(
    'calico-01',
    `${etcdctl} /calico/ipam/v2/assignment/ipv4/block/10.66. --print-value-only`,
  );
  const texts = blocks.split('\n').filter((line) => line.startsWith('{'));
  const allocations = texts.flatMap((text): readonly (number | null)[] => JSON.parse(text).allocations);
  return {
    keys: all.split('\n').filter((key) => /\/handle\/burst\.|\/workloadendpoints\/.*round/.test(key)),
    held: allocations.filter((index) => index !== null).length,
  };
}

function quantile(calls: readonly BurstCall[], share: number): number {
  const times = calls.map(({ elapsedMs }) => elapsedMs).sort((a, b) => a - b);
  return Math.round(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0);
}

const BURSTS = `two hosts, ${CONTAINERS} containers each at once, ${ROUNDS} times: no address twice, none lost`;

test.skipIf(!isSeenByHosts)(
  BURSTS,
  async () => {
    const [adds, dels]: [BurstCall[], BurstCall[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      const added = await burst('ADD', round);
      const addresses = added.map(({ output }): string => JSON.parse(output).ips[0].address);
      expect(new Set(addresses).size).toBe(CONTAINERS * HOSTS.length);
      const during = await observeStore();
      expect([during.held, during.keys.length]).toEqual([addresses.length, 2 * addresses.length]);
      dels.push(...(await burst('DEL', round)));
      expect(await observeStore()).toEqual({ keys: [], held: 0 });
      adds.push(...added);
    }
    for (const [what, calls] of [
      ['ADD', adds],
      ['DEL', dels],
    ] as const)
      console.log(
        `${what} of ${CONTAINERS} at once on each of two hosts: p50 ${quantile(calls, 0.5)} ms, p99 ${quantile(calls, 0.99)} ms`,
      );
    const check = await lab.must('calico-01', 'calicoctl ipam check');
    expect(check).toEndWith('Check complete; found 0 problems.\n');
  },
  600_000,
);

const plugin = (path: string, command: string, id: string, config: object) =>
  `printf %s '${JSON.stringify(config)}' | CNI_COMMAND=${command} CNI_CONTAINERID=${id} CNI_NETNS=/var/run/netns/${id} CNI_IFNAME=eth0 CNI_PATH=/opt/cni/bin:/usr/lib/cni ${path}`;
const CALICO = { cniVersion: '1.0.0', name: 'gone', type: 'calico', ipam: { type: 'calico-ipam' } };
const BRIDGE = {
  cniVersion: '1.0.0',
  name: 'gone-bridge',
  type: 'bridge',
  bridge: 'br-gone',
  ipam: { type: 'calico-ipam' },
};

/** Takes from the block of `lb` what tells when its containers are gone. */
const FORGET_LIFE = `
export ETCDCTL_ENDPOINTS=http://underlay:2379
for key in $(etcdctl get --prefix /calico/ipam/v2/assignment/ipv4/ --keys-only); do
  text=$(etcdctl get $key --print-value-only)
  case $text in *gone-bridge.lb*)
    printf %s "$text" | sed -E 's/"(boot|interface|netns)":"[^"]*",//g' | etcdctl put $key;;
  esac
done`;

/** Containers of the networks above that hold an address or have an endpoint, sorted. */
async function observeHolders(): Promise<readonly string[]> {
  const all = await lab.must('calico-01', 'etcdctl --endpoints http://underlay:2379 get --prefix /calico --keys-only');
  const found = [...all.matchAll(/\/handle\/gone(?:-bridge)?\.(\w+)|\/workloadendpoints\/\S+-cni-(\w+)-eth0/g)];
  return [...new Set(found.map(([, handle, endpoint]) => handle ?? endpoint ?? ''))].sort();
}

test('containers whose runtime has died, with or without an endpoint, give all back; whoever lives keeps it, also over a wiped /run', async () => {
  const host = 'calico-01';
  for (const id of ['ga', 'gb', 'la', 'lb']) await lab.must(host, `ip netns add ${id}`);
  for (const id of ['ga', 'la']) await lab.must(host, plugin('/opt/cni/bin/calico', 'ADD', id, CALICO));
  for (const id of ['gb', 'lb']) await lab.must(host, plugin('/usr/lib/cni/bridge', 'ADD', id, BRIDGE));
  expect(await observeHolders()).toEqual(['ga', 'gb', 'la', 'lb']);
  const startedAt = performance.now();
  for (const id of ['ga', 'gb']) await lab.must(host, `ip netns del ${id}`);
  await eventually('the containers that are gone to hold nothing', 180_000, async () =>
    (await observeHolders()).some((id) => id.startsWith('g')) ? undefined : true,
  );
  console.log(
    `what containers held that went without DEL came back after ${Math.round((performance.now() - startedAt) / 1000)} s`,
  );
  expect(await observeHolders()).toEqual(['la', 'lb']);

  await lab.endAgent(host, 'KILL');
  await lab.must(host, 'rm -rf /var/run/calico/*');
  await lab.startAgent(host, 1);
  await lab.must(host, 'ip netns add after');
  await lab.must(host, plugin('/opt/cni/bin/calico', 'ADD', 'after', CALICO));
  expect(await observeHolders()).toEqual(['after', 'la', 'lb']);
  for (const id of ['after', 'la']) await lab.must(host, plugin('/opt/cni/bin/calico', 'DEL', id, CALICO));
  expect(await observeHolders()).toEqual(['lb']);

  // as Calico's own plugin would have recorded it: nothing in the store says that the container lives, and its host does
  await lab.must(host, FORGET_LIFE);
  const check = 'calicoctl ipam check --show-all-ips -o /tmp/report';
  const release = 'calicoctl ipam release --from-report /tmp/report --force';
  expect(await lab.must(host, check)).toContain(' in use by Namespace(calico-01)\n');
  expect(await lab.must('calico-02', check)).toEndWith('Check complete; found 0 problems.\n');
  expect(await lab.must('calico-02', release)).toStartWith('Released 0 IPs');
  await lab.must(host, 'ip netns del lb');
  await eventually('the namespace to be taken apart', 60_000, async () =>
    (await lab.must('calico-02', check)).includes(' leaked; attrs: handle=gone-bridge.lb') ? true : undefined,
  );
  expect(await lab.must('calico-02', release)).toStartWith('Released 1 IPs');
  expect(await observeHolders()).toEqual([]);
}, 400_000);
