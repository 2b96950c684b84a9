import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { NO_PATHS, type PathState, pathKey } from '../../src/kernel/reconcile/path-state.ts';
import { openPaths } from '../../src/kernel/reconcile/paths.ts';
import { parseIp } from '../../src/net/ip.ts';
import * as netlink from '../../src/sys/netlink.ts';
import { withNetns } from '../../src/sys/netns.ts';
import { createTunnelHosts, describeOutcome, pathTo, TUNNEL, type TunnelHosts } from '../support/host/tunnel-hosts.ts';

let hosts: TunnelHosts;
beforeAll(() => {
  hosts = createTunnelHosts();
});
afterAll(() => hosts.close());
beforeEach(() => {
  for (const host of [0, 1] as const) hosts.reconcile(host, hosts.desired(host));
});

const ADDRESSES = ['+address 192.168.0.1/32', '+address fd00:a::1/128'];
const PEERS = ['+fdb 66:00:00:00:00:0b 10.99.0.2', '+neighbour 192.168.64.1', '+neighbour fd00:b::1'];
const REMOTE = ['+route 192.168.64.0/26', '+route fd00:b::/112'];
const INSIDE = [...ADDRESSES, ...PEERS, ...REMOTE];
const ANEW = [`-link ${TUNNEL}`, `+link ${TUNNEL}`, ...INSIDE];

/** The kernel as a whole, as somebody sees it who compares. */
const look = () =>
  hosts
    .run(
      0,
      'ip -br link; ip route show table all; ip -6 route show table all; ip rule; bridge fdb; ip -br -6 addr; ip -br -4 addr',
    )
    .split('\n')
    .filter((line) => !/table local|fe80|33:33|01:00:5e|br0/.test(line)) // the kernel’s own, in its own time, and a bridge that stays
    .toSorted()
    .join('\n');

for (const underlay of [4, 6] as const)
  test(`pods of two hosts reach each other, in packets of full size, over an underlay of IPv${underlay}`, () => {
    for (const host of [0, 1] as const) hosts.reconcile(host, hosts.desired(host, { underlay }));
    const mtuBytes = underlay === 4 ? 1450 : 1430;
    expect(hosts.run(0, `ip link show ${TUNNEL}`)).toContain(` mtu ${mtuBytes} `);
    for (const [family, header] of [
      [4, 28],
      [6, 48],
    ] as const) {
      expect(hosts.reaches(family)).toBe(true);
      hosts.runInPod(0, `ip link set eth0 mtu ${mtuBytes}`);
      expect(hosts.reaches(family, mtuBytes - header)).toBe(true);
      hosts.runInPod(0, 'ip link set eth0 mtu 1450');
    }
    expect(hosts.reconcile(0, hosts.desired(0, { underlay }))).toEqual([]);
  });

test('what goes to an address of an own block that nobody has goes nowhere', () => {
  hosts.run(0, 'ip route add default via 10.99.0.2');
  expect(hosts.run(0, 'ip route get 192.168.0.20 2>&1')).toContain('Invalid argument'); // a blackhole, by ip-route(8)
  expect(hosts.run(0, 'ip route get 192.168.0.9')).toContain('dev cali0');
  hosts.run(0, 'ip route del default');
});

/** [what somebody does, what is done about it]. */
const harm: readonly (readonly [string, readonly string[]])[] = [
  [`ip link del ${TUNNEL}`, [`+link ${TUNNEL}`, ...INSIDE]],
  [`ip link set ${TUNNEL} down`, [`link ${TUNNEL}`, '+address fd00:a::1/128', ...PEERS.slice(1), ...REMOTE]],
  [`ip link set ${TUNNEL} mtu 1300`, [`link ${TUNNEL}`]],
  [`ip link set ${TUNNEL} group default`, [`link ${TUNNEL}`]],
  [`ip link add br0 type bridge; ip link set ${TUNNEL} master br0; ip link set br0 down`, [`link ${TUNNEL}`]],
  [`ip link set ${TUNNEL} arp off`, [`link ${TUNNEL}`, ...PEERS.slice(1)]],
  [`ip link set ${TUNNEL} address 66:00:00:00:00:99`, ANEW],
  [`ip link set ${TUNNEL} type vxlan learning`, ANEW],
  [`ip link set ${TUNNEL} type vxlan ttl 1`, ANEW],
  [
    `sysctl -qw net/ipv6/conf/${TUNNEL}/disable_ipv6=1`,
    ['+address fd00:a::1/128', '+neighbour fd00:b::1', '+route fd00:b::/112'],
  ],
  [remade('id 4097'), ANEW],
  [remade('dstport 4790'), ANEW],
  [remade('local 10.99.0.77'), ANEW],
  [remade('dev cali0'), ANEW],
  [
    `ip addr del 192.168.0.1/32 dev ${TUNNEL}`, // with its last address of IPv4 a link loses what is about IPv4
    ['+address 192.168.0.1/32', '+neighbour 192.168.64.1', '+route 192.168.64.0/26'],
  ],
  [`ip addr add 192.168.0.2/24 dev ${TUNNEL}`, ['-address 192.168.0.2/24']],
  [`bridge fdb del 66:00:00:00:00:0b dev ${TUNNEL} dst 10.99.0.2`, PEERS.slice(0, 1)],
  [
    `bridge fdb replace 66:00:00:00:00:0b dev ${TUNNEL} dst 10.99.0.9`,
    [...PEERS.slice(0, 1), '-fdb 66:00:00:00:00:0b 10.99.0.9'],
  ],
  [`bridge fdb append 00:00:00:00:00:00 dev ${TUNNEL} dst 10.99.0.9`, ['-fdb 00:00:00:00:00:00 10.99.0.9']],
  [`ip neigh del 192.168.64.1 dev ${TUNNEL}`, ['+neighbour 192.168.64.1']],
  [`ip neigh replace 192.168.64.1 lladdr 66:00:00:00:00:0c dev ${TUNNEL}`, ['+neighbour 192.168.64.1']],
  [`ip neigh replace fd00:b::1 lladdr 66:00:00:00:00:0b dev ${TUNNEL} nud stale`, ['+neighbour fd00:b::1']],
  [`ip neigh add 192.168.64.7 lladdr 66:00:00:00:00:0c dev ${TUNNEL}`, ['-neighbour 192.168.64.7']],
  ['ip route del 192.168.64.0/26', ['+route 192.168.64.0/26']],
  ['ip -6 route del fd00:b::/112', ['+route fd00:b::/112']],
  ['ip route replace 192.168.64.0/26 via 10.99.0.2 metric 1024 proto 80', ['~route 192.168.64.0/26']],
  ['ip -6 route replace fd00:b::/112 via fd99::2 metric 1024 proto 80', ['~route fd00:b::/112']],
  ['ip route del blackhole 192.168.0.0/26', ['+route 192.168.0.0/26']],
  ['ip -6 route del fd00:a::/112', ['+route fd00:a::/112']],
];

/** A device of the same mark that differs in one thing. */
function remade(difference: string): string {
  const words = new Map([
    ['id', '4096'],
    ['dstport', '4789'],
    ['local', '10.99.0.1'],
    ['dev', 'eth0'],
  ]);
  const [word = '', value = ''] = difference.split(' ');
  const text = [...words.set(word, value)].flat().join(' ');
  return `ip link del ${TUNNEL}; ip link add ${TUNNEL} address 66:00:00:00:00:0a type vxlan ${text} nolearning; ip link set ${TUNNEL} group 793770 mtu 1450 up`;
}

for (const [command, repair] of harm)
  test(`whatever somebody does to it is put right, and nothing else: ${command}`, () => {
    const before = look();
    expect(hosts.run(0, command)).toBe('');
    expect(hosts.reconcile(0, hosts.desired(0)).toSorted()).toEqual(repair.toSorted());
    expect(look().replaceAll(/group \d+/g, '')).toBe(before);
    expect(hosts.reconcile(0, hosts.desired(0))).toEqual([]);
    expect([hosts.reaches(4), hosts.reaches(6)]).toEqual([true, true]);
  });

test('a device that somebody else has made to be the same is taken over, any other of the name is left and said', () => {
  const words = 'id 4096 dstport 4789 local 10.99.0.1 dev eth0';
  const make = `ip link del ${TUNNEL}; ip link add ${TUNNEL} address 66:00:00:00:00:0a type vxlan ${words} nolearning`;
  hosts.run(0, make);
  expect(hosts.reconcile(0, hosts.desired(0))).toEqual([`link ${TUNNEL}`, ...INSIDE]);
  hosts.run(0, make.replace('4096', '7'));
  hosts.run(0, `ip link set ${TUNNEL} up`);
  const said = `make link "${TUNNEL}": somebody else's has the name, and is another one`;
  expect(hosts.reconcile(0, hosts.desired(0))).toEqual([said]);
  expect(hosts.run(0, `bridge fdb show dev ${TUNNEL}; ip route show dev ${TUNNEL}`)).toBe('');
  hosts.run(0, `ip link del ${TUNNEL}`);
});

test('what is somebody else’s stays: tunnels, routes, entries, rules, whatever comes and goes beside them', () => {
  hosts.run(
    0,
    `ip link add mine type vxlan id 9 dstport 4790 dev eth0; ip link set mine up; ip addr add 10.5.0.1/24 dev mine
    bridge fdb append 02:00:00:00:00:09 dev mine dst 10.99.0.2; ip neigh add 10.5.0.9 lladdr 02:00:00:00:00:09 dev mine
    ip route add 10.6.0.0/24 via 10.99.0.2; ip route add blackhole 10.7.0.0/24 proto static
    ip route add 10.6.0.0/24 via 10.99.0.2 table 77; ip rule add fwmark 7 table 77 priority 50
    bridge fdb append 02:00:00:00:00:0a dev eth0 dst 10.99.0.2 2>&1 || true`,
  );
  const mine = () =>
    hosts.run(
      0,
      'ip -br link show mine; bridge fdb show dev mine; ip neigh show dev mine; ip route show table 77; ip rule; ip route | grep -v "proto 80"',
    );
  const before = mine();
  hosts.reconcile(0, NO_PATHS);
  expect(mine()).toBe(before.replace(/.*vxlan\.calico.*\n/, ''));
  hosts.reconcile(0, hosts.desired(0));
  expect(mine()).toBe(before);
  hosts.run(
    0,
    'ip link del mine; ip route flush table 77; ip rule del priority 50; ip route del 10.6.0.0/24; ip route del 10.7.0.0/24',
  );
});

test('one of ours that somebody has changed is gone too when nobody wants it', () => {
  hosts.run(0, `ip link set ${TUNNEL} type vxlan learning`);
  expect(hosts.reconcile(0, NO_PATHS)).toContain(`-link ${TUNNEL}`);
  expect(hosts.run(0, 'ip -br link')).not.toContain('vxlan');
});

test('a peer that is removed leaves nothing, and nothing is left when nothing is wanted', () => {
  const state = hosts.desired(0);
  const alone: PathState = {
    ...state,
    tunnels: new Map([...state.tunnels].map(([name, tunnel]) => [name, { ...tunnel, peers: [] }])),
    routes: new Map([...state.routes].filter(([, { way }]) => way.kind === 'blackhole')),
  };
  hosts.reconcile(0, alone);
  expect(hosts.run(0, `bridge fdb show dev ${TUNNEL}; ip neigh show dev ${TUNNEL}`)).toBe('');
  expect(hosts.run(0, `ip route show dev ${TUNNEL}; ip -6 route show dev ${TUNNEL} proto 80`)).toBe('');
  expect(hosts.reconcile(0, NO_PATHS)).toContain(`-link ${TUNNEL}`);
  expect(
    hosts.run(0, 'ip route show proto 80 table all; ip -6 route show proto 80 table all; ip -br link'),
  ).not.toMatch(/vxlan|proto 80|blackhole/);
});

test('a route of another table, one that throws, one right behind a link, and the rule that leads there', () => {
  const eth0 = { kind: 'name', name: 'eth0' } as const;
  const routes = [
    pathTo('10.8.0.0/26', { kind: 'throw' }, 100),
    pathTo('10.9.0.0/26', { kind: 'link', link: eth0 }, 100),
    pathTo('fd08::/64', { kind: 'throw' }, 70000),
    pathTo('10.10.0.0/26', {
      ...{ kind: 'gateway', link: { kind: 'holder', address: parseIp('10.99.0.1') } },
      gateway: parseIp('172.31.0.9'),
    }),
  ];
  const rule = { family: 4, mark: 0x100000, mask: 0x100000, isInverted: true, table: 100, priority: 99 } as const;
  const state = { ...hosts.desired(0, { routes }), rules: [rule] };
  hosts.reconcile(0, state);
  expect(hosts.reconcile(0, state)).toEqual([]);
  expect(hosts.run(0, 'ip route show table 100; ip -6 route show table 70000; ip route show 10.10.0.0/26')).toBe(
    [
      'throw 10.8.0.0/26 proto 80 metric 1024',
      '10.9.0.0/26 dev eth0 proto 80 scope link metric 1024',
      'throw fd08::/64 dev lo proto 80 metric 1024 pref medium',
      '10.10.0.0/26 via 172.31.0.9 dev eth0 proto 80 metric 1024 onlink',
    ].join('\n'),
  );
  expect(hosts.run(0, 'ip rule')).toContain('99:\tnot from all fwmark 0x100000/0x100000 lookup 100 proto 80');
  hosts.run(0, 'ip rule del priority 99; ip route flush table 100');
  expect(hosts.reconcile(0, state)).toEqual(['+route 10.8.0.0/26', '+route 10.9.0.0/26', '+rule 99']);
  expect(hosts.reconcile(0, { ...state, rules: [{ ...rule, table: 101 }] })).toEqual(['+rule 99', '-rule 99']);
  hosts.reconcile(0, hosts.desired(0));
  expect(hosts.run(0, 'ip rule; ip route show table 100; ip route show 10.10.0.0/26')).not.toMatch(/proto 80/);
});

test('what BIRD says of a destination gives way, what somebody else says stays and is told', () => {
  hosts.run(0, 'ip route del 192.168.64.0/26; ip route add 192.168.64.0/26 via 10.99.0.2 proto bird metric 1024');
  expect(hosts.reconcile(0, hosts.desired(0))).toEqual(['+route 192.168.64.0/26']);
  expect(hosts.run(0, 'ip route show 192.168.64.0/26')).toContain('proto 80');
  hosts.run(0, 'ip route del 192.168.64.0/26; ip route add 192.168.64.0/26 via 10.99.0.2 proto static metric 1024');
  const told = expect.stringMatching(/^add route "192.168.64.0\/26 via .*another route to it exists$/);
  expect(hosts.reconcile(0, hosts.desired(0))).toEqual(['+route 192.168.64.0/26', told]);
  expect([...hosts.paths(0).marks.blocked]).toEqual(['192.168.64.0/26']);
  hosts.run(0, 'ip route del 192.168.64.0/26');
  expect(hosts.reconcile(0, hosts.desired(0))).toEqual(['+route 192.168.64.0/26']);
});

test('cut off after any of its steps, the next run brings it to its end', () => {
  const wanted = hosts.desired(0, { vni: 5000 });
  let steps = 0;
  for (let left = 0; left < 60; left += 1) {
    hosts.reconcile(0, hosts.desired(0));
    const socket = withNetns(hosts.netns(0), () => netlink.openNetlink(netlink.NETLINK_ROUTE));
    let sent = 0;
    const tryRequest: netlink.Netlink['tryRequest'] = (...args) => {
      if (sent++ === left) throw new Error('killed');
      return socket.tryRequest(...args);
    };
    const paths = openPaths({ ...socket, tryRequest, request: socket.request, dump: socket.dump });
    try {
      paths.reconcile(wanted);
    } catch {
      steps = left + 1;
    }
    paths.close();
    hosts.reconcile(0, wanted);
    expect(hosts.reconcile(0, wanted)).toEqual([]);
    expect(hosts.run(0, `ip -d link show ${TUNNEL}; ip route show proto 80 | wc -l`)).toMatch(
      /vxlan id 5000[\s\S]*\n2$/,
    );
    if (steps <= left) break;
  }
  expect(steps).toBeGreaterThan(4);
});

/** The same destinations, beside the tunnel. */
function besideTunnel(state: PathState): PathState {
  const direct = (destination: string, own: string, gateway: string) =>
    pathTo(destination, {
      ...{ kind: 'gateway', link: { kind: 'holder', address: parseIp(own) } },
      gateway: parseIp(gateway),
    });
  const ways = [direct('192.168.64.0/26', '10.99.0.1', '10.99.0.2'), direct('fd00:b::/112', 'fd99::1', 'fd99::2')];
  return { ...state, routes: new Map([...state.routes, ...ways.map((way) => [pathKey(way), way] as const)]) };
}

test('a part that changes is changed alone, and no packet is lost between one way and another', async () => {
  const [through, beside] = [hosts.desired(0), besideTunnel(hosts.desired(0))];
  const paths = hosts.paths(0);
  const flows = ['192.168.64.9', 'fd00:b::9'].map((address) =>
    hosts.startInPod(0, `ping -n -q -c 400 -i 0.002 ${address}`),
  );
  for (let turn = 0; turn < 50; turn += 1) {
    const [before, after] = turn % 2 === 0 ? [through, beside] : [beside, through];
    expect(describeOutcome(paths.change(before, after))).toEqual(['~route 192.168.64.0/26', '~route fd00:b::/112']);
    await Bun.sleep(15);
  }
  for (const flow of flows) expect(await flow).toContain(' 0% packet loss');
  expect(hosts.run(0, 'ip route show 192.168.64.0/26')).toContain(`dev ${TUNNEL}`);
  expect(hosts.reconcile(0, through)).toEqual([]);
});

test('what BIRD has said of the same destinations gives way without a packet lost, in both families', async () => {
  hosts.reconcile(0, { ...hosts.desired(0), routes: new Map() });
  const bird = 'proto bird metric 1024';
  hosts.run(0, `ip route add 192.168.64.0/26 via 10.99.0.2 ${bird}; ip -6 route add fd00:b::/112 via fd99::2 ${bird}`);
  const flows = ['192.168.64.9', 'fd00:b::9'].map((address) =>
    hosts.startInPod(0, `ping -n -q -c 100 -i 0.002 ${address}`),
  );
  await Bun.sleep(50);
  expect(hosts.reconcile(0, hosts.desired(0)).filter((line) => line.startsWith('add'))).toEqual([]);
  for (const flow of flows) expect(await flow).toContain(' 0% packet loss');
  expect(hosts.run(0, 'ip route show proto bird; ip -6 route show proto bird')).toBe('');
});
