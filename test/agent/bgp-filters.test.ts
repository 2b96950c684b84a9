// What is sent to peers and taken from them, in both families: BGPFilters with each match and each operation, communities of
// advertisements, pools that are kept back. With a real agent and BIRD; FRR shows what is sent, the kernel what is taken.
import { afterAll, beforeAll, test } from 'bun:test';
import { type BgpSite, openBgpSite } from '../support/host/bgp-site.ts';
import { FRR_AS, type Frr, startFrr } from '../support/host/frr.ts';
import { startThird, THIRD, THIRD_COMMUNITY, THIRD_PREFIXES, THIRD6 } from '../support/host/third-router.ts';
import { untilEqual } from '../support/host/until-equal.ts';

type Rules = readonly object[];
type Prefixes = Readonly<Record<4 | 6, readonly string[]>>;

const FRR_PREFIXES = { 4: ['198.51.100.0/25', '203.0.113.0/24'], 6: ['2001:db8:1::/48', '2001:db8:2::/64'] } as const;
const FRR_COMMUNITY = '65009:9';
let site: BgpSite;
let frr: Frr;
/** The host's own blocks. */
let own: Readonly<Record<4 | 6, string>>;

function frrFamily(family: 4 | 6, neighbor: string): readonly string[] {
  const [tagged] = FRR_PREFIXES[family];
  frr.configure(`${family === 4 ? 'ip' : 'ipv6'} prefix-list tagged${family} permit ${tagged}`);
  frr.configure(
    `route-map out${family} permit 10`,
    `match ${family === 4 ? 'ip' : 'ipv6'} address prefix-list tagged${family}`,
  );
  frr.configure(`route-map out${family} permit 10`, `set community ${FRR_COMMUNITY}`);
  frr.configure(`route-map out${family} permit 20`);
  return [
    `address-family ipv${family} unicast`,
    ...FRR_PREFIXES[family].map((prefix) => `network ${prefix}`),
    ...[`neighbor ${neighbor} activate`, `neighbor ${neighbor} route-map out${family} out`, 'exit-address-family'],
  ];
}

beforeAll(async () => {
  site = await openBgpSite();
  frr = startFrr(site.host);
  frr.replaceBgp(
    FRR_AS,
    ...['10.98.0.1', 'fd98::1'].flatMap((host) => [
      `neighbor ${host} remote-as 64512`,
      `neighbor ${host} timers connect 1`,
    ]),
    ...[...frrFamily(4, '10.98.0.1'), ...frrFamily(6, 'fd98::1')],
  );
  site.startAgent();
  site.host.addPod('pod', 'network1');
  startThird(site.host).speak({ as: 65003 });
  for (const [name, peerIP] of [
    ['third', THIRD],
    ['third6', THIRD6],
  ] as const)
    site.apply('BGPPeer', name, { peerIP, asNumber: 65003 });
  site.apply('BGPFilter', 'edge', {});
  for (const [name, peerIP] of [
    ['frr', '10.98.0.2'],
    ['frr6', 'fd98::2'],
  ] as const)
    site.apply('BGPPeer', name, { peerIP, asNumber: FRR_AS, filters: ['edge'] });
  const blockOf = (family: 4 | 6) =>
    /^\S+\/\d+/m.exec(site.birdc(`show route protocol blocks_v${family}`))?.[0] ?? 'no block';
  own = { 4: blockOf(4), 6: blockOf(6) };
}, 60_000);
afterAll(async () => {
  await site.close();
}, 20_000);

const both = <T>(of: (family: 4 | 6) => T) => ({ 4: of(4), 6: of(6) });

/** What FRR has from the host. */
function sent(family: 4 | 6): readonly string[] {
  const { routes } = frr.show(`bgp ipv${family} unicast`) as {
    routes: Readonly<Record<string, readonly { peerId: string }[]>>;
  };
  return Object.keys(routes)
    .filter((prefix) => routes[prefix]?.some(({ peerId }) => peerId !== '(unspec)'))
    .sort();
}

/** What the host has from FRR in its kernel: prefix and metric. */
function taken(family: 4 | 6): readonly string[] {
  const lines = site.host.must(`ip -${family} route show proto bird | awk '$2 == "via" { print $1, $7 }'`).split('\n');
  return lines.filter((line) => FRR_PREFIXES[family].some((prefix) => line.startsWith(`${prefix} `))).sort();
}

const prefixesTaken = (family: 4 | 6) => taken(family).map((line) => line.replace(/ .*/, ''));

interface Attributes {
  readonly aspath?: { readonly string: string };
  readonly community?: { readonly string: string };
  readonly largeCommunity?: { readonly string: string };
}

/** Path and communities of what FRR has for a prefix. */
function attributes(family: 4 | 6, prefix: string): readonly (string | undefined)[] {
  const { paths = [] } = frr.show(`bgp ipv${family} unicast ${prefix}`) as { paths?: readonly Attributes[] };
  const [first] = paths;
  return [first?.aspath?.string, first?.community?.string, first?.largeCommunity?.string];
}

const until = <T>(observe: () => T, wanted: T) => untilEqual(observe, wanted, 15_000);

function filter(exportRules: (family: 4 | 6) => Rules, importRules: (family: 4 | 6) => Rules): void {
  const [exports, imports] = [both(exportRules), both(importRules)];
  site.apply('BGPFilter', 'edge', {
    ...{ exportV4: exports[4], exportV6: exports[6], importV4: imports[4], importV6: imports[6] },
  });
}

const NONE = () => [];
/** Which of the routes a match is about; `first` and `second` are the third router's, or FRR's. */
type Which = 'own' | 'first' | 'second';
type Case = readonly [
  what: string,
  match: (family: 4 | 6) => object,
  exported: readonly Which[],
  imported: readonly Which[],
];

const wide = {
  4: { third: '192.168.77.0/24', all: '192.168.0.0/16' },
  6: { third: 'fd65:0:0:74::/62', all: 'fd65::/48' },
};
const ofFrr = { 4: ['198.51.100.0/24', '203.0.112.0/20'], 6: ['2001:db8::/47', '2001:db8:2::/47'] };

/** Matches that mean the same on both ways. */
const MATCHES: readonly Case[] = [
  ['nothing', () => ({}), ['own', 'first', 'second'], ['first', 'second']],
  ['a source: peers', () => ({ source: 'RemotePeers' }), ['first', 'second'], ['first', 'second']],
  ['a kind of peer: external', () => ({ peerType: 'eBGP' }), ['own', 'first', 'second'], ['first', 'second']],
  ['a kind of peer: internal', () => ({ peerType: 'iBGP' }), [], []],
  ['an interface', () => ({ interface: 'eth1' }), ['first', 'second'], []],
  ['a community of the third', () => ({ communities: { values: [THIRD_COMMUNITY] } }), ['first'], []],
  ['a community of FRR', () => ({ communities: { values: [FRR_COMMUNITY] } }), [], ['first']],
  ['a path of the third', () => ({ asPathPrefix: [65003] }), ['first', 'second'], []],
  ['a path of FRR', () => ({ asPathPrefix: [FRR_AS] }), [], ['first', 'second']],
  ['a priority', () => ({ priority: 1024 }), ['own'], []],
  ['an equal range', (family) => ({ cidr: THIRD_PREFIXES[family][0], matchOperator: 'Equal' }), ['first'], []],
  [
    'another range',
    (family) => ({ cidr: FRR_PREFIXES[family][0], matchOperator: 'NotEqual' }),
    ['own', 'first', 'second'],
    ['second'],
  ],
  ['a range around', (family) => ({ cidr: ofFrr[family][0], matchOperator: 'In' }), [], ['first']],
  [
    'no range around',
    (family) => ({ cidr: ofFrr[family][1], matchOperator: 'NotIn' }),
    ['own', 'first', 'second'],
    ['first'],
  ],
  [
    'lengths',
    (family) => ({
      ...{ cidr: wide[family].all, matchOperator: 'In' },
      prefixLength: family === 4 ? { min: 17, max: 24 } : { min: 65, max: 72 },
    }),
    ['second'],
    [],
  ],
];

function named(prefixes: Prefixes, whiches: readonly Which[]): (family: 4 | 6) => readonly string[] {
  return (family) =>
    whiches.map((which) => (which === 'own' ? own[family] : (prefixes[family][which === 'first' ? 0 : 1] ?? '')));
}

const except = (all: readonly string[], some: readonly string[]) => all.filter((one) => !some.includes(one)).sort();

test('without rules all own blocks and routes of others go out, and all of FRR’s come in', async () => {
  await until(
    () => both(sent),
    both((family) => [own[family], ...THIRD_PREFIXES[family]].sort()),
  );
  await until(
    () => both(prefixesTaken),
    both((family) => [...FRR_PREFIXES[family]].sort()),
  );
}, 30_000);

test.each(MATCHES)(
  'a rule that rejects by %s, on both ways',
  async (_what, match, exported, imported) => {
    const rules = (family: 4 | 6) => [{ ...match(family), action: 'Reject' }];
    filter(rules, rules);
    await until(
      () => both(sent),
      both((family) => except([own[family], ...THIRD_PREFIXES[family]], named(THIRD_PREFIXES, exported)(family))),
    );
    await until(
      () => both(prefixesTaken),
      both((family) => except(FRR_PREFIXES[family], named(FRR_PREFIXES, imported)(family))),
    );
  },
  30_000,
);

test('the first rule that matches decides, and what none matches is as without', async () => {
  filter(
    (family) => [
      { cidr: THIRD_PREFIXES[family][0], matchOperator: 'Equal', action: 'Accept' },
      { cidr: wide[family].third, matchOperator: 'In', action: 'Reject' },
    ],
    (family) => [{ cidr: FRR_PREFIXES[family][0], matchOperator: 'Equal', action: 'Accept' }, { action: 'Reject' }],
  );
  await until(
    () => both(prefixesTaken),
    both((family) => [FRR_PREFIXES[family][0]]),
  );
  await until(
    () => both(sent),
    both((family) => [own[family], ...THIRD_PREFIXES[family]].sort()),
  );
}, 30_000);

test('operations of accepted routes: communities, paths, and the priority in the kernel', async () => {
  const tag = [
    ...[{ addCommunity: { value: '65001:5' } }, { addCommunity: { value: '65001:5:6' } }],
    { prependASPath: { prefix: [65010, 65011] } },
  ];
  filter(
    () => [{ source: 'RemotePeers', action: 'Accept', operations: tag }],
    (family) => [
      {
        cidr: FRR_PREFIXES[family][1],
        matchOperator: 'Equal',
        action: 'Accept',
        operations: [{ setPriority: { value: 700 } }],
      },
    ],
  );
  await until(
    () => both((family) => attributes(family, THIRD_PREFIXES[family][0])),
    both(() => ['64512 65010 65011 65003', '65001:5 65003:7', '65001:5:6']),
  );
  await until(
    () => both(taken),
    both((family) => [`${FRR_PREFIXES[family][0]} 2147483547`, `${FRR_PREFIXES[family][1]} 700`]),
  );
}, 30_000);

test('advertisements tag the routes of their range, with communities and with names of some', async () => {
  filter(NONE, NONE);
  site.apply('BGPConfiguration', 'default', {
    communities: [{ name: 'site', value: '65000:3' }],
    prefixAdvertisements: Object.values(wide).map(({ all }) => ({ cidr: all, communities: ['site', '65000:1:2'] })),
  });
  await until(
    () => both((family) => attributes(family, own[family])),
    both(() => ['64512', '65000:3', '65000:1:2']),
  );
  site.remove('bgpconfiguration', 'default');
  await until(
    () => both((family) => attributes(family, own[family])),
    both(() => ['64512', undefined, undefined]),
  );
}, 30_000);

test('of own blocks single addresses stay in, and one that is borrowed goes out', async () => {
  const inside = own[4].replace(/(\d+)\/\d+$/, (_, first) => `${Number(first) + 5}/32`);
  site.host.must(`ip link add calizz type bridge; ip link set calizz up
    for ip in ${inside} 192.168.250.7/32; do ip route add $ip dev calizz metric 1024; done`);
  await until(() => sent(4), [own[4], ...THIRD_PREFIXES[4], '192.168.250.7/32'].sort());
  site.host.must('ip link del calizz');
  await until(() => sent(4), [own[4], ...THIRD_PREFIXES[4]].sort());
}, 30_000);

test('a pool with disableBGPExport is kept back, and comes out again', async () => {
  for (const disableBGPExport of [true, false]) {
    for (const [name, { all }] of [
      ['four', wide[4]],
      ['six', wide[6]],
    ] as const)
      site.apply('IPPool', name, { cidr: all, disableBGPExport });
    const wanted = disableBGPExport
      ? both(() => [])
      : both((family) => [own[family], ...THIRD_PREFIXES[family]].sort());
    await until<unknown>(() => both(sent), wanted);
  }
}, 30_000);
