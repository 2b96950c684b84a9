// The rules of rkt's own networks: nobody else changes them, whoever flushes all rulesets opens nothing between pods, and what
// happens to them when their holder is ended is undone by the next pod.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openWorld, type Running, type World } from '../support/host/world.ts';

setDefaultTimeout(60_000);

/** Two networks of the user's, each with a pod; both are on default-restricted as well. */
const networks = { red: '10.99.0', blue: '10.99.1' } as const;
const names = ['red', 'blue'] as const;

interface Pod {
  readonly running: Running;
  readonly netns: string;
  /** On default-restricted. */
  readonly address: string;
}

let world: World;
const pods: Pod[] = [];

async function must(script: string): Promise<string> {
  const result = await world.run('sh', '-ec', script);
  if (result.status !== 0) throw new Error(`${script}: ${result.stderr}`);
  return result.stdout.trim();
}

async function startPod(name: (typeof names)[number]): Promise<Pod> {
  const ipam = { type: 'host-local', subnet: `${networks[name]}.0/24` };
  const conf = { name, cniVersion: '0.4.0', type: 'bridge', bridge: `br-${name}`, isGateway: true, ipam };
  writeFileSync(join(world.netDir, `10-${name}.conf`), JSON.stringify(conf));
  const uuidFile = join(world.directory, name);
  const options = [`--net=${name}`, `--uuid-file-save=${uuidFile}`];
  const running = world.start(
    'run',
    ...options,
    'docker://busybox',
    '--exec=sh',
    '--',
    '-c',
    'echo up; exec sleep 300',
  );
  await running.printed('up');
  const netns = `/run/netns/cni-${readFileSync(uuidFile, 'utf8')}`;
  const shown = await must(`nsenter --net=${netns} ip -o -4 address show eth1`);
  return { running, netns, address: /inet (172\.16\.28\.\d+)/.exec(shown)?.[1] ?? '' };
}

beforeAll(async () => {
  world = await openWorld();
  for (const name of names) pods.push(await startPod(name));
});
afterAll(async () => {
  for (const pod of pods) pod.running.kill('SIGTERM');
  await Promise.all(pods.map((pod) => pod.running.ended));
  await world.close();
});

const harms = ['nft flush ruleset', 'nft flush table inet rkt', 'nft add rule inet rkt prerouting accept'];
const rules = (): Promise<string> => must('nft list table inet rkt');
const words = ['run', '--net=default-restricted', 'docker://busybox', '--exec=true'];
/** One that has been killed is a zombie here, as nobody collects it. Other tests have others. */
const HOLDERS = `ps -eo pid=,stat=,args= | awk '$2 !~ /Z/ && $3 == "rkt-table-holder" { print $1 }' | while read pid; do
  [ "$(readlink /proc/$pid/ns/net)" != "$(readlink /proc/self/ns/net)" ] || echo $pid; done`;
const holders = async () => (await must(HOLDERS)).split('\n').filter(Boolean);

/** When this returns the kernel has let go of its socket. */
async function endHolder(): Promise<void> {
  const [pid] = await holders();
  await must(`kill -KILL ${pid}; while nft list table inet rkt | grep -q 'flags owner'; do sleep 0.01; done`);
}

/** How many of 100 packets, from one pod to the other by default-restricted, are answered while all rulesets are flushed. */
async function countLeaks(): Promise<number> {
  const [red, blue] = pods;
  const count = await must(`(for i in $(seq 40); do nft flush ruleset; sleep 0.005; done) & flushing=$!
    nsenter --net=${red?.netns} ping -q -i0.01 -c100 -W0.2 ${blue?.address} | grep -oE '[0-9]+ received' || true
    wait $flushing`);
  return Number.parseInt(count, 10);
}

test('the rules are one table of rkt’s own, which nobody else changes, and need no agent', async () => {
  const before = await rules();
  expect(before).toContain('chain prerouting');
  for (const harm of harms) {
    const { status } = await world.run('sh', '-c', harm);
    expect([harm, status === 0]).toEqual([harm, harm === 'nft flush ruleset']);
    expect(await rules()).toBe(before);
  }
  expect(await holders()).toHaveLength(1);
});

test('whoever flushes all rulesets all the time lets no packet through between pods of two networks', async () => {
  expect(await countLeaks()).toBe(0);
});

/** Listens in one pod, and sends from another one there from each address; prints those that packets have come from. */
const HEARD = `import socket,sys
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(("",7000)); s.settimeout(1); heard=set()
print("up",file=sys.stderr,flush=True)
try:
    while True: heard.add(s.recvfrom(9)[1][0])
except OSError: print(*sorted(heard))`;
const SAY = `import socket,sys
for source in sys.argv[2:]:
    s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind((source,0)); s.sendto(b"x",(sys.argv[1],7000))`;

test('a pod on default sends as no workload of another network, nor as another host', async () => {
  const uuidFile = join(world.directory, 'default');
  const options = ['--net=default', `--uuid-file-save=${uuidFile}`];
  const running = world.start('run', ...options, 'docker://busybox', '--exec=sh', '--', '-c', 'echo up; exec sleep 30');
  await running.printed('up');
  const inside = `nsenter --net=/run/netns/cni-${readFileSync(uuidFile, 'utf8')}`;
  const own = (await must(`${inside} ip -o -4 address show eth0`)).match(/172\.16\.28\.\d+/)?.[0] ?? '';
  const [to] = (await must(`nsenter --net=${pods[0]?.netns} ip -o -4 address show eth0`)).match(/10\.99\.0\.\d+/) ?? [];
  const heard = await must(`for ip in 10.99.1.77 192.0.2.7; do ${inside} ip address add $ip/32 dev eth0; done
    nsenter --net=${pods[0]?.netns} python3 -c '${HEARD}' 2>${uuidFile}.up & hearing=$!
    until grep -q up ${uuidFile}.up; do sleep 0.01; done
    ${inside} python3 -c '${SAY}' ${to} ${own} 10.99.1.77 192.0.2.7; wait $hearing`);
  running.kill('SIGTERM');
  await running.ended;
  expect(heard).toMatch(/^(172\.16\.28|10\.99\.0)\.\d+$/);
});

test('pods that start meanwhile, several at once, leave the rules as they are, with one holder', async () => {
  const before = await rules();
  const starts = Promise.all([1, 2, 3].map(() => world.rkt(...words)));
  expect(await countLeaks()).toBe(0);
  expect((await starts).map(({ status }) => status)).toEqual([0, 0, 0]);
  expect(await rules()).toBe(before);
  expect(await holders()).toHaveLength(1);
});

test('where the holder has been ended anybody of root’s changes the rules, and the next pod puts them right', async () => {
  const content = (listed: string) => listed.slice(listed.indexOf('chain prerouting'));
  const before = content(await rules());
  for (const harm of harms) {
    await endHolder();
    await must(harm);
    expect((await world.run('nft', 'list', 'table', 'inet', 'rkt')).stdout).not.toContain(before);
    if (harm === 'nft flush ruleset') expect(await countLeaks()).toBeGreaterThan(50);
    expect((await world.rkt(...words)).status).toBe(0);
    expect(content(await rules())).toBe(before);
    expect(await holders()).toHaveLength(1);
  }
  expect(await countLeaks()).toBe(0);
});

test('several pods that start at once where there are no rules leave them complete, with one holder', async () => {
  await endHolder();
  await must('nft flush ruleset');
  const runs = await Promise.all([1, 2, 3, 4].map(() => world.rkt(...words)));
  expect(runs.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
  expect(await holders()).toHaveLength(1);
  expect(await countLeaks()).toBe(0);
});

test('after a pod whose start was killed at any moment the next one leaves complete rules, with one holder', async () => {
  const before = await rules();
  for (const seconds of [0.1, 0.15, 0.2, 0.25, 0.3]) {
    if ((await holders()).length > 0) await endHolder();
    await must('nft flush ruleset');
    await world.run('timeout', '-s', 'KILL', String(seconds), ...world.command(...words));
    expect((await world.rkt(...words)).status).toBe(0);
    expect(await rules()).toBe(before);
    expect(await holders()).toHaveLength(1);
  }
});

test('the holder has nothing open but the socket, whatever the caller had, and no environment', async () => {
  await endHolder();
  const run = await world.run(
    'sh',
    '-c',
    'exec 7</etc/hostname 9>/dev/null; exec "$@"',
    'sh',
    ...world.command(...words),
  );
  expect(run.status).toBe(0);
  const [pid] = await holders();
  expect((await must(`ls -l /proc/${pid}/fd | grep -o '[0-9]* -> .*'`)).split('\n')).toEqual([
    ...[0, 1, 2].map((fd) => `${fd} -> /dev/null`),
    expect.stringMatching(/^3 -> socket:\[\d+\]$/),
  ]);
  expect(await must(`cat /proc/${pid}/environ`)).toBe('');
});

test('a pod does not start where the table is somebody else’s, and leaves nothing', async () => {
  await endHolder();
  const stay = join(world.directory, 'stay');
  writeFileSync(stay, '');
  const talk = 'echo "delete table inet rkt"; echo "add table inet rkt { flags owner; }"';
  const owner = world.launch('sh', '-c', `(${talk}; while [ -e ${stay} ]; do sleep 0.05; done) | nft -i`);
  await must('until nft list table inet rkt | grep -q "flags owner"; do sleep 0.01; done');
  const left = () => must('ip -o link | wc -l; ls /run/netns | wc -l');
  const before = await left();
  const result = await world.rkt(...words);
  expect([result.status, result.stderr]).toEqual([254, expect.stringContaining('failed to setup network')]);
  expect(result.stderr).toContain('it belongs to another process');
  expect(await left()).toBe(before);
  rmSync(stay);
  await owner.ended;
});
