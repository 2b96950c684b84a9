import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eventually, type Lab, openLab, type Result } from './lab.ts';

const HOST = 'calico-01';
let lab: Lab;

const network = (name: string, more = '') =>
  `{"name":"${name}","cniVersion":"0.1.0","type":"calico","ipam":{"type":"calico-ipam"${more}}}`;

async function write(path: string, text: string): Promise<void> {
  await lab.must(HOST, `cat >${path} <<'EOF'\n${text}\nEOF`);
}

/** Everything a failed run could leave: addresses and endpoints in the store, links, namespaces, mounts, processes. */
async function observeLeft(): Promise<string> {
  const commands = [
    'etcdctl --endpoints http://underlay:2379 get --prefix /calico --keys-only | grep -E "handle|workloadendpoints" | sort',
    'ip -o link | grep -oE "cali[0-9a-f]+" | sort',
    'ls /var/run/netns',
    'ip route | grep cali',
    'ls /var/lib/cni/networks/* 2>/dev/null | grep -E "^[0-9]"',
    'pgrep -a "crun|catatonit" | grep -v " -P$" | cut -d" " -f2-',
    'grep -c /var/lib/rkt/pods /proc/mounts',
  ];
  return (await lab.on(HOST, commands.join('; '))).stdout;
}

const run = (options: string) => `rkt run ${options} docker://busybox --exec /bin/true`;

/** The command fails with rkt's status and one line on stderr, and leaves nothing behind. */
async function expectRefusal(command: string, words: RegExp): Promise<Result> {
  await lab.must(HOST, 'rkt gc --grace-period=0s >/dev/null 2>&1');
  const before = await observeLeft();
  const result = await lab.on(HOST, `timeout 60 ${command}`);
  expect(result.status).toBe(254);
  expect(result.stdout).toBe('');
  expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(result.stderr).toMatch(words);
  await lab.must(HOST, 'rkt gc --grace-period=0s >/dev/null 2>&1');
  expect(await observeLeft()).toBe(before);
  return result;
}

beforeAll(async () => {
  lab = await openLab('faults', 1);
  await write('/etc/rkt/net.d/10-network1.conf', network('network1'));
  await lab.must(HOST, run('--net=network1'));
  await lab.must(HOST, 'rkt gc --grace-period=0s >/dev/null');
}, 90_000);

afterAll(async () => {
  await lab.down();
}, 30_000);

test('an unknown network is named, and so are the known ones', async () => {
  await expectRefusal(run('--net=nowhere'), /networks not found: nowhere/);
});

test('a broken network file is named', async () => {
  await write('/etc/rkt/net.d/05-broken.conf', '{"name": "broken",');
  try {
    await expectRefusal(run('--net=network1'), /05-broken\.conf/);
  } finally {
    await lab.must(HOST, 'rm /etc/rkt/net.d/05-broken.conf');
  }
});

test('a missing plugin is named, with the places where it was looked for', async () => {
  await write('/etc/rkt/net.d/20-odd.conf', '{"name":"odd","cniVersion":"0.1.0","type":"no-such-plugin"}');
  await expectRefusal(run('--net=odd'), /no-such-plugin.*\/etc\/rkt\/net\.d/);
});

test('an unknown image is named', async () => {
  await expectRefusal('rkt run docker://no-such-image --exec /bin/true', /no-such-image/);
});

test('an unreachable registry is named', async () => {
  await expectRefusal('rkt run docker://10.99.0.253:5000/busybox --exec /bin/true', /10\.99\.0\.253:5000/);
});

test('a taken address is named, and who has it', async () => {
  await lab.must(
    HOST,
    `setsid --fork ${'rkt run --net=network1:IP=192.168.7.7 --uuid-file-save=/tmp/holder docker://busybox --exec /bin/sleep -- 600'} >/dev/null 2>&1 </dev/null`,
  );
  await eventually('the holder to run', 20_000, async () =>
    (await lab.on(HOST, 'rkt list | grep -q 192.168.7.7')).status === 0 ? true : undefined,
  );
  try {
    const result = await lab.on(HOST, `timeout 60 ${run('--net=network1:IP=192.168.7.7')}`);
    expect(result.status).toBe(254);
    expect(result.stderr).toMatch(/192\.168\.7\.7/);
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
  } finally {
    await lab.must(HOST, 'rkt stop --force --uuid-file=/tmp/holder; sleep 0.3; rkt rm --uuid-file=/tmp/holder');
  }
}, 60_000);

test('an address outside the pools is refused', async () => {
  await expectRefusal(run('--net=network1:IP=10.1.2.3'), /10\.1\.2\.3.*not in a configured pool/i);
});

test('a malformed address is refused', async () => {
  await expectRefusal(run('--net=network1:IP=300.1.2.3'), /300\.1\.2\.3/);
});

test('a full pool is named', async () => {
  await write(
    '/tmp/pool.yaml',
    'apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: tiny}\nspec: {cidr: 10.44.0.0/30, blockSize: 30, nodeSelector: "all()", assignmentMode: Manual}',
  );
  await lab.must(HOST, 'calicoctl apply -f /tmp/pool.yaml');
  await write('/etc/rkt/net.d/30-tiny.conf', network('tiny', ',"ipv4_pools":["10.44.0.0/30"]'));
  for (let count = 0; count < 4; count++) await lab.must(HOST, run('--net=tiny'));
  const result = await lab.on(HOST, run('--net=tiny'));
  expect(result.status).toBe(254);
  expect(result.stderr).toMatch(/10\.44\.0\.0\/30/);
  await lab.must(HOST, 'rkt gc --grace-period=0s >/dev/null');
  await lab.must(HOST, run('--net=tiny'));
  await lab.must(HOST, 'rkt gc --grace-period=0s >/dev/null');
}, 60_000);

test('with etcd stopped, ADD fails in time and is named; once it is back, all works and nothing was lost', async () => {
  const etcd = (signal: string) => lab.onSegment(`pkill -${signal} -x etcd`);
  await lab.must(HOST, 'rkt gc --grace-period=0s >/dev/null');
  await etcd('STOP');
  let result: Result;
  try {
    result = await lab.on(HOST, `timeout 100 ${run('--net=network1')}`);
  } finally {
    await etcd('CONT');
  }
  expect(result.status).toBe(254);
  expect(result.stderr).toMatch(/etcd|datastore|2379/);
  await eventually('the store to answer again', 30_000, async () =>
    (await lab.on(HOST, run('--net=network1'))).status === 0 ? true : undefined,
  );
  await lab.must(HOST, 'rkt gc --grace-period=0s >/dev/null');
  const left = await lab.on(
    HOST,
    'etcdctl --endpoints http://underlay:2379 get --prefix /calico/ipam/v2/handle --keys-only | grep .',
  );
  expect(left.stdout).toBe('');
}, 160_000);

test('with the agent down the error names it and the way out', async () => {
  const agent = (await lab.must(HOST, 'rkt list --full --no-legend | grep calico/node | cut -f1')).trim();
  await lab.must(HOST, `rkt stop --force ${agent}; sleep 0.3`);
  const result = await lab.on(HOST, run('--net=network1'));
  expect(result.status).toBe(254);
  expect(result.stderr).toMatch(/calico-node|agent/);
}, 60_000);
