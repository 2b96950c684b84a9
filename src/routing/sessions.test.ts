import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { usualBgp } from '../../test/support/routing/bgp-settings.ts';
import { type Ipv4, ipv4Of, parseIp } from '../net/ip.ts';
import { parseSelector } from '../selector/parse.ts';
import { computeBirdConfig } from './bird/config.ts';
import type { BgpPeer, RoutingInput, RoutingNode } from './input.ts';
import { computeSessions } from './sessions.ts';

const ip4 = (text: string): Ipv4 => ipv4Of(Number(parseIp(text)));

function node(name: string, address: string, more: Partial<RoutingNode> = {}): RoutingNode {
  return { name, ipv4: ip4(address), labels: new Map([['host', name]]), ...more };
}

const NODES = [node('a', '10.0.0.2'), node('b', '10.0.0.10'), node('c', '10.0.0.9')];

function input(
  nodeName: string,
  more: Partial<RoutingInput> = {},
  bgp: Partial<RoutingInput['bgp']> = {},
): RoutingInput {
  return {
    nodeName,
    nodes: NODES,
    pools: [],
    ownBlocks: [],
    peers: [],
    bgp: { ...usualBgp, ...bgp },
    ...more,
  };
}

function peer(name: string, more: Partial<BgpPeer>): BgpPeer {
  const target = { kind: 'address', address: parseIp('10.9.0.1'), asNumber: 65001 } as const;
  return { name, scope: { kind: 'all' }, target, nextHop: 'auto', fromNodeIp: true, reverse: true, ...more };
}

/** One word per session: name, AS numbers, port, and what stands out. */
function linesOf(routing: RoutingInput): readonly string[] {
  return computeSessions(routing, 4).map((session) => {
    const { name, localAsNumber, asNumber, port, passive, reflectorClient, nextHop } = session;
    const marks = [passive && 'passive', reflectorClient && 'client', nextHop !== 'auto' && nextHop].filter(Boolean);
    return [name, `${localAsNumber}>${asNumber}`, ...(port === undefined ? [] : [`:${port}`]), ...marks].join(' ');
  });
}

const label = (text: string) => ({ kind: 'nodes', selector: parseSelector(text) }) as const;
const address = (text: string, asNumber: number, port?: number) =>
  ({ kind: 'address', address: parseIp(text), asNumber, ...(port === undefined ? {} : { port }) }) as const;

const cases: readonly (readonly [string, RoutingInput, readonly string[]])[] = [
  [
    'mesh: the side with the lower address, as a number, opens the connection',
    input('a'),
    ['Mesh_10_0_0_10 64512>64512 passive', 'Mesh_10_0_0_9 64512>64512 passive'],
  ],
  ['mesh: the other side', input('b'), ['Mesh_10_0_0_2 64512>64512', 'Mesh_10_0_0_9 64512>64512']],
  [
    'mesh: a node without an AS number has the cluster’s, whatever this node’s own',
    input('a', { nodes: [node('a', '10.0.0.2', { asNumber: 65000 }), node('b', '10.0.0.10')] }),
    ['Mesh_10_0_0_10 65000>64512 passive'],
  ],
  [
    'mesh: ports of the node and of the cluster',
    input('b', { nodes: [...NODES.slice(0, 2), node('d', '10.0.0.1', { listenPort: 180 })] }, { listenPort: 1790 }),
    ['Mesh_10_0_0_1 64512>64512 :180', 'Mesh_10_0_0_2 64512>64512 :1790'],
  ],
  ['mesh switched off', input('a', {}, { meshEnabled: false }), []],
  ['a node without an address', input('a', { nodes: [{ name: 'a', labels: new Map() }, ...NODES.slice(1)] }), []],
  ['a node that is not in the store yet', input('z'), []],
  [
    'route reflectors are not part of the mesh',
    input('a', { nodes: [...NODES.slice(0, 2), node('r', '10.0.0.50', { routeReflectorClusterId: ip4('1.0.0.1') })] }),
    ['Mesh_10_0_0_10 64512>64512 passive'],
  ],
  [
    'a router for all nodes',
    input('a', { peers: [peer('tor', { nextHop: 'self' })] }, { meshEnabled: false }),
    ['Global_10_9_0_1 64512>65001 self'],
  ],
  [
    'a router on a port, for one node',
    input('a', {
      peers: [peer('tor', { scope: { kind: 'node', name: 'a' }, target: address('10.9.0.1', 65001, 1790) })],
    }),
    [
      'Mesh_10_0_0_10 64512>64512 passive',
      'Mesh_10_0_0_9 64512>64512 passive',
      'Node_10_9_0_1_port_1790 64512>65001 :1790',
    ],
  ],
  [
    'not for this node',
    input('a', { peers: [peer('tor', { scope: label('host == "b"') })] }, { meshEnabled: false }),
    [],
  ],
  [
    'the deprecated next hop rule is for other ASes only',
    input(
      'a',
      {
        peers: [
          peer('one', { keepOriginalNextHop: true }),
          peer('two', { keepOriginalNextHop: true, target: address('10.9.0.2', 64512) }),
        ],
      },
      { meshEnabled: false },
    ),
    ['Global_10_9_0_1 64512>65001 keep', 'Global_10_9_0_2 64512>64512'],
  ],
];

const reflector = node('r', '10.0.0.5', {
  routeReflectorClusterId: ip4('1.0.0.1'),
  labels: new Map([['reflector', 'yes']]),
});
const withReflector = { nodes: [...NODES, reflector], peers: [peer('rr', { target: label('has(reflector)') })] };

const reflectorCases: typeof cases = [
  [
    'nodes peer with the selected reflector',
    input('a', withReflector, { meshEnabled: false }),
    ['Global_10_0_0_5 64512>64512 passive'],
  ],
  [
    'the reflector peers back',
    input('r', withReflector, { meshEnabled: false }),
    [
      'Node_10_0_0_10 64512>64512 passive client',
      'Node_10_0_0_2 64512>64512 client',
      'Node_10_0_0_9 64512>64512 passive client',
    ],
  ],
  [
    'unless it is told not to; then nobody waits for the other',
    input(
      'a',
      { ...withReflector, peers: [peer('rr', { target: label('has(reflector)'), reverse: false })] },
      { meshEnabled: false },
    ),
    ['Global_10_0_0_5 64512>64512'],
  ],
  [
    'and has no session of its own then',
    input('r', { ...withReflector, peers: [peer('rr', { target: label('has(reflector)'), reverse: false })] }),
    [],
  ],
  [
    'a BGPPeer takes the place of the mesh, a global one that of a node’s',
    input('b', {
      peers: [
        peer('a-node', { scope: { kind: 'node', name: 'b' }, target: address('10.0.0.9', 64512) }),
        peer('z-all', { target: address('10.0.0.9', 64512), nextHop: 'keep' }),
      ],
    }),
    ['Global_10_0_0_9 64512>64512 keep', 'Mesh_10_0_0_2 64512>64512'],
  ],
  [
    'the AS number that the other side shows',
    input('c', {
      peers: [
        peer('x', { scope: { kind: 'node', name: 'b' }, target: address('10.0.0.9', 64512), localAsNumber: 65009 }),
      ],
    }),
    ['Mesh_10_0_0_2 64512>64512', 'Node_10_0_0_10 64512>65009 passive'],
  ],
];

for (const [name, routing, wanted] of [...cases, ...reflectorCases])
  test(name, () => {
    expect(linesOf(routing)).toEqual([...wanted]);
  });

const anyPeer = fc.record({
  name: fc.constantFrom('p1', 'p2', 'p3', 'p4'),
  scope: fc.constantFrom<BgpPeer['scope']>({ kind: 'all' }, { kind: 'node', name: 'a' }, label('host in {"a","b"}')),
  target: fc.constantFrom<BgpPeer['target']>(
    address('10.9.0.1', 65001),
    address('10.0.0.9', 64512),
    address('10.0.0.2', 64512),
    label('host != "a"'),
  ),
  nextHop: fc.constantFrom('auto', 'self', 'keep'),
  fromNodeIp: fc.boolean(),
  reverse: fc.boolean(),
});

test('a session that is to have a password never comes up without one', () => {
  const password = { name: 'rack', key: 'bgp' };
  const peers = [peer('rack', { password })];
  const lines = (passwords?: RoutingInput['passwords']) => {
    const more = passwords === undefined ? {} : { passwords };
    const config = computeBirdConfig(input('a', { peers, ...more }, { meshPassword: { name: 'mesh', key: 'all' } }));
    return config.split('\n').filter((line) => /^(protocol bgp| {2}password| {2}disabled|# closed)/.test(line));
  };
  const closed = (what: string, why: string) => `# closed: ${what}: ${why}`;
  const tor = 'protocol bgp Global_10_9_0_1 from peers_v4 {';
  const mesh = ['9', '10'].map((last) => `protocol bgp Mesh_10_0_0_${last} from peers_v4 {`);
  expect(lines()).toEqual([
    closed('BGPConfiguration(default)', 'the password mesh/all: it has not been read'),
    closed('BGPPeer(rack)', 'the password rack/bgp: it has not been read'),
    ...[tor, ...mesh.toReversed()].flatMap((line) => [line, '  disabled;']),
  ]);
  expect(
    lines(
      new Map([
        ['rack/bgp', { kind: 'found', text: 'a;b' }],
        ['mesh/all', { kind: 'missing', why: 'it is empty' }],
      ]),
    ),
  ).toEqual([
    closed('BGPConfiguration(default)', 'the password mesh/all: it is empty'),
    ...[tor, '  password "a;b";'],
    ...mesh.toReversed().flatMap((line) => [line, '  disabled;']),
  ]);
});

test('two nodes agree on their session: both have it, and at most one waits', () => {
  const peers = fc.uniqueArray(anyPeer, { selector: ({ name }) => name, maxLength: 3 });
  fc.assert(
    fc.property(peers, fc.boolean(), (list, meshEnabled) => {
      const reversed = list.map((one) => ({ ...one, reverse: true }));
      const sessions = NODES.map(({ name }) => computeSessions(input(name, { peers: reversed }, { meshEnabled }), 4));
      for (const [i, own] of sessions.entries())
        for (const session of own) {
          const j = NODES.findIndex(({ ipv4 }) => ipv4 === session.address);
          if (j < 0) continue;
          const back = sessions[j]?.find((other) => other.address === NODES[i]?.ipv4);
          expect(back).toBeDefined();
          expect(session.passive && back?.passive === true).toBe(false);
        }
    }),
    { seed: 1 },
  );
});

test('the file does not depend on the order of its input', () => {
  const peers = fc.uniqueArray(anyPeer, { selector: ({ name }) => name, maxLength: 4 });
  fc.assert(
    fc.property(peers, fc.shuffledSubarray(NODES, { minLength: 3 }), (list, nodes) => {
      const forward = computeBirdConfig(input('a', { peers: list }));
      expect(computeBirdConfig(input('a', { peers: list.toReversed(), nodes }))).toBe(forward);
    }),
    { seed: 1 },
  );
});
