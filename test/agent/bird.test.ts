import { afterAll, beforeAll, expect, test } from 'bun:test';
import { appendFileSync, chmodSync, copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openBird } from '../../src/bird/bird.ts';
import { observeBirds } from '../../src/bird/process.ts';
import { type Cidr, parseCidr } from '../../src/net/cidr.ts';
import { parseIp } from '../../src/net/ip.ts';
import { computeBirdConfig } from '../../src/routing/bird/config.ts';
import type { BgpPeer, FilterRule, RoutingInput } from '../../src/routing/input.ts';
import { withNetns } from '../../src/sys/netns.ts';
import { closeHost, type Host, openPair, run, until, untilSteady } from '../support/host/bird-hosts.ts';
import { usualBgp } from '../support/routing/bgp-settings.ts';

let a: Host;
let b: Host;

const routes = (host: Host) => run(host, 'ip route show proto bird; ip -6 route show proto bird');

function inputOf(host: Host, ownBlocks: readonly Cidr[]): RoutingInput {
  return {
    nodeName: host.node.name,
    nodes: [a.node, b.node],
    pools: [
      { cidr: parseCidr('10.65.0.0/16'), encapsulation: 'none', exported: true },
      { cidr: parseCidr('10.66.0.0/16'), encapsulation: 'none', exported: false },
      { cidr: parseCidr('fd65::/48'), encapsulation: 'none', exported: true },
    ],
    ownBlocks,
    bgp: { ...usualBgp, logLevel: 'none' },
    peers: [],
  };
}

function config(host: Host, ownBlocks: readonly Cidr[]): string {
  return computeBirdConfig(inputOf(host, ownBlocks));
}

const blocksOfA = ['10.65.0.0/26', '10.66.0.0/26', 'fd65::/122'].map(parseCidr);
const blocksOfB = ['10.65.0.64/26', 'fd65::40/122'].map(parseCidr);

beforeAll(() => {
  [a, b] = openPair();
});

afterAll(async () => {
  for (const host of [a, b]) await closeHost(host);
});

const ROUTES_OF_B = `10.65.0.0/26 via 10.0.0.1 dev eth0 metric 1024
blackhole 10.65.0.64/26
10.65.0.70 via 10.0.0.1 dev eth0 metric 1025
fd65::/122 via fd00::1 dev eth0 metric 1024 pref medium
blackhole fd65::40/122 dev lo metric 1024 pref medium`;

test('blocks and borrowed addresses appear at the other node, and nothing else', async () => {
  // a workload with an address of its own block, one with an address borrowed from the other's, and strange routes
  run(a, 'ip link add cali1 type bridge; ip link set cali1 up; ip route add 172.16.0.0/16 via 10.0.0.9');
  for (const address of ['10.65.0.1', '10.65.0.70', '10.66.0.1'])
    run(a, `ip route add ${address} dev cali1 metric 1024`);
  run(a, 'ip route add 10.65.9.0/24 via 10.0.0.9');
  expect(await a.bird.apply(config(a, blocksOfA))).toBe('started');
  expect(await b.bird.apply(config(b, blocksOfB))).toBe('started');
  await until(ROUTES_OF_B, () => routes(b), 8000);
}, 15_000);

test('the state of the sessions can be read', async () => {
  const sessions = (await b.bird.observeProtocols()).filter(({ bgp }) => bgp !== undefined);
  expect(sessions).toMatchObject([
    {
      name: 'Mesh_10_0_0_1',
      state: 'up',
      info: 'Established',
      bgp: {
        state: 'Established',
        neighborAddress: '10.0.0.1',
        neighborAs: 64512,
        importedRoutes: 2,
        exportedRoutes: 1,
        lastError: undefined,
      },
    },
    { name: 'Mesh_fd00__1', state: 'up', bgp: { state: 'Established', importedRoutes: 1 } },
  ]);
  expect(sessions[0]?.since).toMatch(/^\d\d:\d\d:\d\d$/);
});

test('a new block is announced without a break in the session', async () => {
  const before = (await a.bird.observeProtocols()).find(({ name }) => name === 'Mesh_10_0_0_2')?.since;
  expect(await a.bird.apply(config(a, blocksOfA))).toBe('unchanged');
  const more = [...blocksOfA, parseCidr('10.65.1.0/26')];
  expect(await a.bird.apply(config(a, more))).toBe('reloaded');
  await until(
    '10.65.1.0/26 via 10.0.0.1 dev eth0 proto bird metric 1024',
    () => run(b, 'ip route show 10.65.1.0/26'),
    5000,
  );
  expect(await a.bird.apply(config(a, blocksOfA))).toBe('reloaded');
  await until('', () => run(b, 'ip route show 10.65.1.0/26'), 5000);
  expect((await a.bird.observeProtocols()).find(({ name }) => name === 'Mesh_10_0_0_2')?.since).toBe(before ?? '');
}, 15_000);

test('a refused configuration leaves all as it was', async () => {
  const file = join(a.directory, 'bird.cfg');
  const before = readFileSync(file, 'utf8');
  await expect(a.bird.apply('router id nonsense;\n')).rejects.toThrow(/check BIRD configuration ".*": .*syntax error/);
  expect(readFileSync(file, 'utf8')).toBe(before);
  expect(await a.bird.apply(before)).toBe('unchanged');
});

test('a missing program is named', async () => {
  const bird = openBird({ runDirectory: a.directory, program: '/nonexistent/bird', log: () => undefined });
  await expect(bird.apply('')).rejects.toThrow(
    'run "/nonexistent/bird": it cannot be started (Debian has it in the package bird2)',
  );
});

test('filters of a peer decide about its routes, and set their priority in the kernel', async () => {
  const range = (text: string) => ({ range: { cidr: parseCidr(text), operator: 'equal' } }) as const;
  const importRules: readonly FilterRule[] = [
    { match: range('10.65.0.70/32'), accept: false, operations: [] },
    {
      match: { ...range('10.65.0.0/26'), peers: 'internal', fromPeers: true },
      accept: true,
      operations: [{ kind: 'set-priority', priority: 500 }],
    },
  ];
  const peer: BgpPeer = {
    name: 'filtered',
    scope: { kind: 'node', name: b.node.name },
    target: { kind: 'address', address: parseIp('10.0.0.1'), asNumber: 64512 },
    nextHop: 'auto',
    fromNodeIp: true,
    reverse: true,
    filters: ['edge'],
  };
  const none = { exportRules: [], importRules: [] };
  const filters = [{ name: 'edge', 4: { exportRules: [], importRules }, 6: none }];
  const filtered = computeBirdConfig({ ...inputOf(b, blocksOfB), peers: [peer], filters });
  expect(await b.bird.apply(filtered)).toBe('reloaded');
  const wanted = `10.65.0.0/26 via 10.0.0.1 dev eth0 metric 500\nblackhole 10.65.0.64/26`;
  await until(wanted, () => run(b, 'ip route show proto bird'), 8000);
  expect(await b.bird.apply(config(b, blocksOfB))).toBe('reloaded');
  await until(ROUTES_OF_B, () => routes(b), 8000);
}, 20_000);

test('a route that somebody removes is back', async () => {
  run(b, 'ip route del 10.65.0.0/26');
  await until(ROUTES_OF_B, () => routes(b), 3000);
});

/** The process that runs for host a. */
const pidOfA = () =>
  Number(a.log.map((line) => /process id (\d+)$/.exec(line)?.[1]).findLast((pid) => pid !== undefined));

/** As an agent that ends, and another one that starts. */
async function restartAgent(): Promise<'unchanged' | 'reloaded' | 'started'> {
  await a.bird.release();
  const bird = openBird({ runDirectory: a.directory, netnsFd: a.netns, log: (line) => a.log.push(line) });
  a = { ...a, bird };
  return bird.apply(config(a, blocksOfA));
}

/** No route breaks for a second, and then the sessions are up. */
async function expectNoBreak(routesOfA: string): Promise<void> {
  for (let i = 0; i < 10; i++) {
    expect([routes(a), routes(b)]).toEqual([routesOfA, ROUTES_OF_B]);
    await Bun.sleep(100);
  }
  await untilSteady(a);
  expect([routes(a), routes(b)]).toEqual([routesOfA, ROUTES_OF_B]);
}

test('BIRD outlives the agent, in a session of its own, and the next agent takes it over as it is', async () => {
  await untilSteady(a);
  const [pid, before] = [pidOfA(), await a.bird.observeProtocols()];
  await a.bird.release();
  expect(run(a, `ps -o sess= -p ${pid}`)).toBe(`${pid}`);
  expect(await restartAgent()).toBe('reloaded');
  expect(a.log.at(-1)).toBe(`BIRD goes on with process id ${pid}`);
  expect((await a.bird.observeProtocols()).map(({ since }) => since)).toEqual(before.map(({ since }) => since));
  expect(await a.bird.apply(config(a, blocksOfA))).toBe('unchanged');
}, 20_000);

test('a BIRD that dies is started again, taken over or not, and no route breaks', async () => {
  const routesOfA = routes(a);
  for (const before of ['taken over', 'started']) {
    await untilSteady(a);
    const pid = pidOfA();
    process.kill(pid, 'SIGKILL');
    for (let i = 0; i < 50 && pidOfA() === pid; i++) await Bun.sleep(100);
    expect([before, a.log.at(-2)]).toEqual([
      before,
      expect.stringMatching(/^BIRD ended \(.*\), starting it again in \d+ ms$/),
    ]);
    expect(a.log.at(-1)).toMatch(/^BIRD runs with process id \d+$/);
    await expectNoBreak(routesOfA);
  }
}, 30_000);

test('a BIRD is renewed, and no route breaks', async () => {
  await untilSteady(a);
  const [pid, routesOfA] = [pidOfA(), routes(a)];
  await a.bird.renew();
  expect(pidOfA()).not.toBe(pid);
  expect(observeBirds({ program: 'bird', socketPath: a.bird.socketPath, configPath: '', netnsFd: a.netns })).toEqual([
    pidOfA(),
  ]);
  await expectNoBreak(routesOfA);
}, 30_000);

/** What an earlier agent may have left, and the next one cannot go on with. */
const LEFT: readonly (readonly [what: string, spoil: (pid: number) => void])[] = [
  ['does not answer', (pid) => process.kill(pid, 'SIGSTOP')],
  ['has lost its socket', () => rmSync(a.bird.socketPath)],
  [
    'is another program than the one installed now',
    (pid) => {
      const copy = join(a.directory, 'bird-of-old');
      copyFileSync(Bun.which('bird') ?? '', copy);
      appendFileSync(copy, 'of old');
      chmodSync(copy, 0o755);
      process.kill(pid, 'SIGKILL');
      const args = ['-f', '-R', '-s', a.bird.socketPath, '-c', join(a.directory, 'bird.cfg')];
      withNetns(a.netns, () => Bun.spawn([copy, ...args], { stderr: 'ignore' }));
      Bun.sleepSync(500);
    },
  ],
  [
    'has ended, and somebody else listens in its place',
    (pid) => {
      process.kill(pid, 'SIGKILL');
      rmSync(a.bird.socketPath);
      Bun.listen({ unix: a.bird.socketPath, socket: { data: () => undefined } });
    },
  ],
];

for (const [what, spoil] of LEFT) {
  test(`a BIRD that ${what} is replaced, and no route breaks`, async () => {
    await untilSteady(a);
    const [pid, routesOfA] = [pidOfA(), routes(a)];
    await a.bird.release();
    spoil(pid);
    expect(await restartAgent()).toBe('started');
    expect(pidOfA()).not.toBe(pid);
    const command = { program: 'bird', socketPath: a.bird.socketPath, configPath: '', netnsFd: a.netns };
    expect(observeBirds(command)).toEqual([pidOfA()]);
    await expectNoBreak(routesOfA);
  }, 40_000);
}

test('the routes of a node that leaves are gone at once', async () => {
  await untilSteady(b);
  const routesOfA = routes(a);
  await a.bird.stop();
  await until('blackhole 10.65.0.64/26\nblackhole fd65::40/122 dev lo metric 1024 pref medium', () => routes(b), 5000);
  expect(routes(a)).toBe(routesOfA);
}, 30_000);
