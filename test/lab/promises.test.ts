import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eventually, type Lab, openLab } from '../support/host/lab.ts';

const SERVER = '192.168.10.1';
const OTHER_POOL = '10.55.0.0/24';
const GC = 'rkt gc --grace-period=0s';
let lab: Lab;

const network = (name: string, more = '') =>
  `{"name":"${name}","cniVersion":"0.1.0","type":"calico","ipam":{"type":"calico-ipam"${more}}}`;

async function write(host: string, path: string, text: string): Promise<void> {
  await lab.must(host, `cat >${path} <<'EOF'\n${text}\nEOF`);
}

/** Starts a pod in the background and waits for its apps; its UUID stands in /tmp/NAME. */
async function startPod(host: string, name: string, net: string, exec: string): Promise<string> {
  const run = `rkt run --net=${net} --uuid-file-save=/tmp/${name} docker://busybox --exec ${exec}`;
  await lab.must(host, `rm -f /tmp/${name}; setsid --fork ${run} >/tmp/${name}.log 2>&1 </dev/null`);
  return eventually(`pod ${name} to run`, 20_000, async () => {
    const { status, stdout } = await lab.on(
      host,
      `rkt status --uuid-file=/tmp/${name} --wait-ready=10s >/dev/null && cat /tmp/${name}`,
    );
    return status === 0 ? stdout : undefined;
  });
}

const sleeper = '/bin/sleep -- 600';
const runOnce = (net: string) => `rkt run --net=${net} docker://busybox --exec /bin/true`;

/** UUIDs of the pods that hold addresses or have endpoints, sorted. */
async function observeHolders(): Promise<readonly string[]> {
  const keys = await lab.must('calico-01', 'etcdctl --endpoints http://underlay:2379 get --prefix /calico --keys-only');
  const found = keys.split('\n').filter((key) => /\/handle\/|\/workloadendpoints\//.test(key));
  const uuids = found.map((key) => /([0-9a-f]{8}-+[0-9a-f]{4}-+[0-9a-f]{4}-+[0-9a-f]{4}-+[0-9a-f]{12})/.exec(key)?.[1]);
  return [...new Set(uuids.map((uuid) => uuid?.replaceAll('--', '-') ?? 'nobody known'))].sort();
}

/** Whether a connection from the pod's namespace to the server comes about; no answer within a second counts as no. */
async function reaches(host: string, pod: string): Promise<boolean> {
  const enter = `nsenter --net=/var/run/netns/cni-$(cat /tmp/${pod})`;
  const connect = `timeout 1 bash -c 'exec 3<>/dev/tcp/${SERVER}/7000'`;
  const output = await lab.must(
    host,
    `${enter} ip route get ${SERVER} >/dev/null && { ${enter} ${connect}; echo $?; }`,
  );
  expect(output).toMatch(/^(0|124)\n$/);
  return output === '0\n';
}

/** Answers that the open flow has had until now. */
async function countAnswers(): Promise<number> {
  return Number(await lab.must('calico-02', 'wc -l </tmp/flow'));
}

/** Opens a connection to the server that says a word five times a second and ends when no answer comes within 2 s. */
async function openFlow(pod: string): Promise<void> {
  const talk = `exec 3<>/dev/tcp/${SERVER}/7000; while echo word >&3 && read -t 2 word <&3; do echo $word >>/tmp/flow; sleep 0.2; done`;
  await write('calico-02', '/tmp/talk', talk);
  const enter = `nsenter --net=/var/run/netns/cni-$(cat /tmp/${pod})`;
  await lab.must('calico-02', `: >/tmp/flow; setsid --fork ${enter} bash /tmp/talk >/dev/null 2>&1 </dev/null`);
  await eventually('the first answer', 5_000, async () => ((await countAnswers()) > 0 ? true : undefined));
}

async function expectFlowGoesOn(): Promise<void> {
  const before = await countAnswers();
  await eventually('the open flow to go on', 3_000, async () =>
    (await countAnswers()) > before + 3 ? true : undefined,
  );
}

beforeAll(async () => {
  lab = await openLab('promises');
  await write(
    'calico-01',
    '/tmp/pool.yaml',
    `apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: other}\nspec: {cidr: ${OTHER_POOL}, blockSize: 28, nodeSelector: "all()", assignmentMode: Manual}`,
  );
  await lab.must('calico-01', 'calicoctl apply -f /tmp/pool.yaml');
  for (const host of ['calico-01', 'calico-02']) {
    for (const name of ['network1', 'network2']) await write(host, `/etc/rkt/net.d/10-${name}.conf`, network(name));
    await write(host, '/etc/rkt/net.d/20-other.conf', network('other', `,"ipv4_pools":["${OTHER_POOL}"]`));
  }
  await Promise.all([
    startPod('calico-01', 'server', `network1:IP=${SERVER}`, 'nc -- -ll -p 7000 -e cat'),
    (async () => {
      await startPod('calico-02', 'friend', 'network1', sleeper);
      await startPod('calico-02', 'stranger', 'network2', sleeper);
    })(),
  ]);
}, 90_000);

afterAll(async () => {
  await lab.down();
}, 30_000);

test('a block of addresses is on the other host within two seconds', async () => {
  await lab.must('calico-02', runOnce('other'));
  const startMs = performance.now();
  await eventually('the route to the block', 10_000, async () =>
    (await lab.on('calico-01', 'ip route | grep -qE "^10\\.55\\.0\\.[0-9]+/28 via 10\\.99\\.0\\.2 "')).status === 0
      ? true
      : undefined,
  );
  expect(performance.now() - startMs).toBeLessThan(2_000);
  await lab.must('calico-02', GC);
}, 30_000);

test('forty pods at the same time: all succeed, no address twice, none left after gc', async () => {
  const before = await observeHolders();
  await lab.must('calico-01', `seq 40 | xargs -P 8 -I{} ${runOnce('network1')} 2>&1`);
  const list = await lab.must('calico-01', 'rkt list --format=json');
  const pods = JSON.parse(list) as { networks?: { netName: string; ip: string }[] }[];
  for (const name of ['network1', 'default-restricted']) {
    const addresses = pods.flatMap(({ networks = [] }) =>
      networks.flatMap(({ netName, ip }) => (netName === name ? [ip] : [])),
    );
    expect(addresses).not.toContain('');
    expect(addresses.length).toBe(41);
    expect(new Set(addresses).size).toBe(41);
  }
  expect((await observeHolders()).length).toBe(before.length + 40);
  await lab.must('calico-01', GC);
  expect(await observeHolders()).toEqual(before);
}, 120_000);

test.each(['rm', 'gc'])(
  'a pod whose runner was killed has exited, and "rkt %s" cleans it up',
  async (verb) => {
    const observeLeft = async () =>
      (
        await lab.on(
          'calico-01',
          'ls /var/run/netns /var/lib/rkt/pods/*; ls /var/lib/cni/networks/default-restricted | grep ^[0-9]; ip -o link | grep -oE "cali[0-9a-f]+|veth[0-9a-f]+" | sort; ip route | grep -E "cali|veth"; pgrep -c sleep; grep -c /var/lib/rkt/pods /proc/mounts',
        )
      ).stdout;
    const [before, holders] = [await observeLeft(), await observeHolders()];
    const uuid = await startPod('calico-01', 'victim', 'network1', sleeper);
    await lab.must(
      'calico-01',
      'kill -KILL $(rkt status --uuid-file=/tmp/victim | sed -n s/^pid=//p); rkt status --uuid-file=/tmp/victim --wait=5s',
    );
    const row = `${uuid.slice(0, 8)}\tbusybox\t[^\t]+\texited\t`;
    expect(await lab.must('calico-01', 'rkt list --no-legend')).toMatch(new RegExp(row));
    await lab.must('calico-01', verb === 'rm' ? 'rkt rm --uuid-file=/tmp/victim' : GC);
    expect(await observeLeft()).toBe(before);
    expect(await observeHolders()).toEqual(holders);
  },
  60_000,
);

test.each(['KILL', 'TERM'] as const)(
  'an agent that is ended by SIG%s changes nothing but new pods',
  async (signal) => {
    const holders = await observeHolders();
    await openFlow('friend');
    expect(await reaches('calico-02', 'stranger')).toBe(false);
    await lab.endAgent('calico-01', signal);
    await lab.endAgent('calico-02', signal);

    await expectFlowGoesOn();
    expect(await reaches('calico-02', 'friend')).toBe(true);
    expect(await reaches('calico-02', 'stranger')).toBe(false);
    const refused = await lab.on('calico-02', runOnce('network1'));
    expect(refused.status).toBe(254);
    expect(refused.stderr).toMatch(/cannot reach the agent at \/var\/run\/calico\/cni\.sock, start it/);
    expect(refused.stderr.trimEnd().split('\n')).toHaveLength(1);

    await Promise.all([lab.startAgent('calico-01', 1), lab.startAgent('calico-02', 1)]);
    await expectFlowGoesOn();
    expect(await reaches('calico-02', 'friend')).toBe(true);
    expect(await reaches('calico-02', 'stranger')).toBe(false);
    await lab.must('calico-02', runOnce('network1'));
    await lab.must('calico-02', GC);
    expect(await observeHolders()).toEqual(holders);
    await lab.must('calico-02', 'pkill -f /tmp/talk');
  },
  60_000,
);

test('after a reboot gc works without a complaint and the addresses are free', async () => {
  const server = (await lab.must('calico-01', 'cat /tmp/server')).trim();
  await lab.must(
    'calico-02',
    `kill -KILL $(rkt list --format=json | grep -oE '[0-9a-f-]{36}' | xargs -n1 rkt status | sed -n s/^pid=//p) 2>/dev/null
    pkill -KILL -x 'calico-node|bird'; sleep 0.2
    umount -l /var/run/netns/cni-*; rm -rf /var/run/netns/* /run/calico/*
    nft flush ruleset; ip route flush proto bird`,
  );
  await eventually('the links of the dead pods to go', 5_000, async () =>
    (await lab.must('calico-02', 'ip -o link | grep -c cali || true')) === '0\n' ? true : undefined,
  );
  await lab.startAgent('calico-02', 1);
  const { status, stderr } = await lab.on('calico-02', GC);
  expect(stderr.replace(/^gc: moving pod "[0-9a-f-]{36}" to garbage\n/gm, '')).toBe('');
  expect(status).toBe(0);
  expect(await observeHolders()).toEqual([server]);
  expect(await lab.must('calico-02', 'ls /var/lib/cni/networks/default-restricted | grep -c ^[0-9] || true')).toBe(
    '0\n',
  );
  await lab.must('calico-02', runOnce('network1'));
  await startPod('calico-02', 'friend', 'network1', sleeper);
  expect(await reaches('calico-02', 'friend')).toBe(true);
}, 60_000);

test('a host that has left is forgotten: its routes go from the others, and its addresses are free', async () => {
  const via = 'ip route | grep -c "via 10.99.0.2 "';
  expect(Number(await lab.must('calico-01', via))).toBeGreaterThan(0);
  await lab.endAgent('calico-02', 'TERM');
  await lab.must('calico-01', 'calicoctl delete node calico-02');
  await eventually('the routes to go', 5_000, async () =>
    (await lab.on('calico-01', via)).stdout === '0\n' ? true : undefined,
  );
  expect(await observeHolders()).toEqual([(await lab.must('calico-01', 'cat /tmp/server')).trim()]);
  await lab.must('calico-01', runOnce('network1'));
}, 30_000);
