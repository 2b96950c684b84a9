import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eventually, type Lab, openLab } from '../support/host/lab.ts';

const HOST = 'calico-01';
const GC = 'rkt gc --grace-period=0s >/dev/null 2>&1';
let lab: Lab;

const network = (name: string, more = '') =>
  `{"name":"${name}","cniVersion":"0.1.0","type":"calico","ipam":{"type":"calico-ipam"${more}}}`;

async function write(path: string, text: string): Promise<void> {
  await lab.must(HOST, `cat >${path} <<'EOF'\n${text}\nEOF`);
}

/** Everything a failed run could leave: in the store, in the kernel, on disk, and processes. */
async function observeLeft(): Promise<string> {
  const commands = [
    'etcdctl --endpoints http://underlay:2379 get --prefix /calico --keys-only | grep -E "handle|workloadendpoints|profiles" | sort',
    'ip -o link | grep -oE "cali[0-9a-f]+|veth[0-9a-f]+" | sort',
    'ip route | grep -E "cali|veth"',
    `nft list ruleset | grep -oE '"cali[0-9a-f]+"' | sort`,
    'ls /var/run/netns /var/lib/calico/pending /var/lib/rkt/pods/*',
    'ls /var/lib/cni/networks/* 2>/dev/null | grep -E "^[0-9]"',
    'ps -e -o comm= | grep -E "bwrap|crun|catatonit|pause|unshare|rkt|busybox|sleep" | sort',
    'grep /var/lib/rkt/pods /proc/mounts',
  ];
  return (await lab.on(HOST, commands.map((command) => `echo "# ${command}"; ${command}`).join('; '))).stdout;
}

const run = (options: string) => `rkt run ${options} docker://busybox --exec /bin/true`;

/** The command fails with rkt's status and one line on stderr, which it returns. */
async function refusalOf(command: string): Promise<string> {
  const { status, stdout, stderr } = await lab.on(HOST, `timeout 60 ${command}`);
  expect({ status, stdout, lines: stderr.split('\n').length - 1 }, stderr).toEqual({
    status: 254,
    stdout: '',
    lines: 1,
  });
  return stderr.trimEnd();
}

/** As refusalOf, and nothing is left of it. */
async function expectRefusal(command: string, expected: string | RegExp): Promise<void> {
  await lab.must(HOST, GC);
  const before = await observeLeft();
  const line = await refusalOf(command);
  if (typeof expected === 'string') expect(line).toBe(expected);
  else expect(line).toMatch(expected);
  await lab.must(HOST, GC);
  expect(await observeLeft()).toBe(before);
}

const failed = (name: string) => `stage1: failed to setup network: error adding network "${name}": `;

beforeAll(async () => {
  lab = await openLab('faults', 1);
  await write('/etc/rkt/net.d/10-network1.conf', network('network1'));
  await lab.must(HOST, run('--net=network1'));
}, 90_000);

afterAll(async () => {
  await lab.down();
}, 30_000);

test('an unknown network is named, and so are the known ones', async () => {
  await expectRefusal(
    run('--net=nowhere'),
    'stage1: failed to setup network: networks not found: nowhere; there are network1, default-restricted, default',
  );
});

/** What stands in a network file of that name, and how it is refused. */
const networkFiles: readonly (readonly [what: string, file: string, text: string, line: string])[] = [
  [
    'cut off',
    'a.conf',
    '{"name": "broken",',
    'stage1: failed to setup network: error loading /etc/rkt/net.d/a.conf: is not JSON',
  ],
  [
    'without a type',
    'a.conf',
    '{"name":"broken"}',
    'stage1: failed to setup network: error loading /etc/rkt/net.d/a.conf: type: found nothing, wanted the file name of a plugin',
  ],
  [
    'with values that the plugin refuses',
    'a.conf',
    '{"name":"broken","cniVersion":"0.1.0","type":"calico","mtu":3,"ipam":{"type":"calico-ipam"}}',
    `${failed('broken')}invalid network configuration; mtu: found 3, wanted 68 to 65535, or 0 for the default`,
  ],
  [
    'of an unknown version',
    'a.conf',
    '{"name":"broken","cniVersion":"9.0.0","type":"calico","ipam":{"type":"calico-ipam"}}',
    `${failed('broken')}incompatible CNI versions; config is "9.0.0", plugin supports ["0.1.0" "0.2.0" "0.3.0" "0.3.1" "0.4.0" "1.0.0" "1.1.0"]`,
  ],
  [
    'with a missing plugin',
    'a.conf',
    '{"name":"broken","cniVersion":"0.1.0","type":"absent"}',
    `${failed('broken')}Could not find plugin "absent": install it in one of /etc/rkt/net.d, /usr/lib/rkt/plugins/net, /opt/cni/bin, /usr/lib/cni`,
  ],
  [
    'with a missing address plugin',
    'a.conf',
    '{"name":"broken","cniVersion":"0.1.0","type":"calico","ipam":{"type":"absent"}}',
    `${failed('broken')}find IPAM plugin "absent": in none of /etc/rkt/net.d, /usr/lib/rkt/plugins/net, /opt/cni/bin, /usr/lib/cni`,
  ],
];

test.each(networkFiles)('a network file %s is named, with what is wrong', async (_, file, text, line) => {
  await write(`/etc/rkt/net.d/${file}`, text);
  try {
    await expectRefusal(run('--net=broken'), line);
  } finally {
    await lab.must(HOST, `rm /etc/rkt/net.d/${file}`);
  }
});

test('an unknown image is named', async () => {
  await expectRefusal(
    'rkt run docker://no-such-image --exec /bin/true',
    /^run: registry "registry-1\.docker\.io": cannot be reached for image "library\/no-such-image:latest" \(http:\/\/10\.99\.0\.254:5000: bad HTTP status code: 404; .*\/etc\/rkt\/mirrors\.d/,
  );
});

test('an unreachable registry is named', async () => {
  await expectRefusal(
    'rkt run docker://10.99.0.253:5000/busybox --exec /bin/true',
    /^run: registry "10\.99\.0\.253:5000": cannot be reached for image "busybox:latest" .*\/etc\/rkt\/mirrors\.d/,
  );
});

test('a taken address is named, and who has it', async () => {
  await lab.must(
    HOST,
    'setsid --fork rkt run --net=network1:IP=192.168.7.7 --uuid-file-save=/tmp/holder docker://busybox --exec /bin/sleep -- 600 >/dev/null 2>&1 </dev/null',
  );
  await eventually('the holder to run', 20_000, async () =>
    (await lab.on(HOST, 'rkt list | grep -q 192.168.7.7')).status === 0 ? true : undefined,
  );
  const uuid = await lab.must(HOST, 'cat /tmp/holder');
  await expectRefusal(
    run('--net=network1:IP=192.168.7.7'),
    `${failed('network1')}assign address "192.168.7.7": already assigned, held by "network1.${uuid}" on node "calico-01"`,
  );
  await lab.must(HOST, 'rkt stop --force --uuid-file=/tmp/holder && rkt status --wait --uuid-file=/tmp/holder');
  await lab.must(HOST, GC);
  await lab.must(HOST, run('--net=network1:IP=192.168.7.7'));
});

test('an address outside the pools is refused', async () => {
  await expectRefusal(
    run('--net=network1:IP=10.1.2.3'),
    `${failed('network1')}assign address "10.1.2.3": The provided IP address is not in a configured pool; there are "default-ipv4-ippool" (192.168.0.0/16)`,
  );
});

test('a malformed address is refused', async () => {
  await expectRefusal(
    run('--net=network1:IP=300.1.2.3'),
    `${failed('network1')}invalid environment: CNI_ARGS IP: found "300.1.2.3", wanted an IPv4 or IPv6 address`,
  );
});

test('a full pool is named, and has room again when its pods have gone', async () => {
  await write(
    '/tmp/pool.yaml',
    'apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: tiny}\nspec: {cidr: 10.44.0.0/30, blockSize: 30, nodeSelector: "all()", assignmentMode: Manual}',
  );
  await lab.must(HOST, 'calicoctl apply -f /tmp/pool.yaml');
  await write('/etc/rkt/net.d/30-tiny.conf', network('tiny', ',"ipv4_pools":["10.44.0.0/30"]'));
  await lab.must(HOST, GC);
  for (let count = 0; count < 4; count++) await lab.must(HOST, run('--net=tiny'));
  expect(await refusalOf(run('--net=tiny'))).toContain('No IPs available in pools: "tiny" (10.44.0.0/30)');
  await lab.must(HOST, GC);
  await lab.must(HOST, run('--net=tiny'));
}, 60_000);

test('with etcd stopped, ADD fails in time and is named; once it is back, all works and nothing was lost', async () => {
  await lab.must(HOST, GC);
  const before = await observeLeft();
  const startMs = performance.now();
  await lab.onSegment('pkill -STOP -x etcd');
  try {
    expect(await refusalOf(run('--net=network1'))).toMatch(/http:\/\/10\.99\.0\.254:2379.*by "rkt gc"$/);
    expect((await lab.on(HOST, GC)).status).toBe(254);
  } finally {
    await lab.onSegment('pkill -CONT -x etcd');
  }
  expect(performance.now() - startMs).toBeLessThan(30_000);
  await eventually('the store to answer again', 20_000, async () =>
    (await lab.on(HOST, run('--net=network1'))).status === 0 ? true : undefined,
  );
  await lab.must(HOST, GC);
  expect(await observeLeft()).toBe(before);
}, 90_000);

test('with the agent down the error names it and the way out; once it is back, nothing is left', async () => {
  await lab.must(HOST, GC);
  const before = await observeLeft();
  await lab.endAgent(HOST, 'KILL');
  expect(await refusalOf(run('--net=network1'))).toMatch(
    /cannot reach the agent at \/var\/run\/calico\/cni\.sock, start it \(systemctl start calico-node\) and try again/,
  );
  expect((await lab.on(HOST, 'rkt gc --grace-period=0s 2>&1 | grep "is kept until"')).status).toBe(0);
  await lab.startAgent(HOST, 0);
  await lab.must(HOST, run('--net=network1'));
  await lab.must(HOST, GC);
  expect((await observeLeft()).replace(/[0-9a-f-]{36}\n/g, '')).toBe(before.replace(/[0-9a-f-]{36}\n/g, ''));
}, 60_000);
