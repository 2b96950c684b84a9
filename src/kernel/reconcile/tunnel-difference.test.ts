import { expect, test } from 'bun:test';
import { parseCidr } from '../../net/cidr.ts';
import { parseIp } from '../../net/ip.ts';
import { parseMac } from '../../net/mac.ts';
import type { TunnelLink } from '../link/tunnel-link.ts';
import type { DesiredTunnel } from './path-state.ts';
import { computeTunnelDifference, type ObservedHost } from './tunnel-difference.ts';

const TUNNEL = 'vxlan.calico';
const OURS = 0x0c1caa;
const mac = parseMac('66:00:00:00:00:09');
const local = parseIp('10.99.0.9');

const vxlan: DesiredTunnel = {
  ...{ kind: 'vxlan', vni: 4096, port: 4789, local, mac },
  ...{ mtuBytes: undefined, addresses: [], peers: [] },
};

const link = (changes: Partial<TunnelLink>): TunnelLink => ({
  ...{ index: 2, name: 'eth0', up: true, running: true, mac: undefined, mtuBytes: 1500 },
  ...{ alias: undefined, group: 0, peer: undefined, tunnelKind: undefined, identity: undefined },
  ...{ isBent: false, ...changes },
});

const identity = { kind: 'vxlan', vni: 4096, port: 4789, parentIndex: 2, local, mac } as const;
const standing = (changes: Partial<TunnelLink> = {}) =>
  link({ index: 9, name: TUNNEL, mtuBytes: 1450, group: OURS, tunnelKind: 'vxlan', identity, ...changes });

/** As text. */
function differ(wanted: Readonly<Record<string, DesiredTunnel>>, host: Partial<ObservedHost>): readonly string[] {
  const addresses = [{ interfaceIndex: 2, address: parseCidr('10.99.0.9/24') }];
  const there = { addresses, ...host, links: [link({}), ...(host.links ?? [])] };
  const { removed, made, corrected, failures } = computeTunnelDifference(
    { tunnels: new Map(Object.entries(wanted)) },
    there,
  );
  return [
    ...removed.map(({ name }) => `-${name}`),
    ...made.map(({ name, mtuBytes }) => `+${name} ${mtuBytes}`),
    ...corrected.map(({ name, mtuBytes }) => `${name} ${mtuBytes}`),
    ...failures.map(({ message }) => message),
  ];
}

test('one that is not there is made once a link has the address that it sends from, as large as that link allows', () => {
  expect(differ({ [TUNNEL]: vxlan }, {})).toEqual([`+${TUNNEL} 1450`]);
  expect(differ({ [TUNNEL]: vxlan }, { addresses: [] })).toEqual([]);
  const six = { ...vxlan, local: parseIp('fd99::9') };
  const addresses = [{ interfaceIndex: 2, address: parseCidr('fd99::9/64') }];
  expect(differ({ [TUNNEL]: six }, { addresses })).toEqual([`+${TUNNEL} 1430`]);
  expect(differ({ [TUNNEL]: { ...vxlan, mtuBytes: 1400 } }, {})).toEqual([`+${TUNNEL} 1400`]);
  const ipip = { kind: 'ipip', local, mtuBytes: undefined, addresses: [] } as const;
  expect(differ({ tunl0: ipip }, {})).toEqual(['+tunl0 1480']);
});

test('a host whose address is on its loopback interface sends as its routes say', () => {
  const addresses = [{ interfaceIndex: 1, address: parseCidr('10.99.0.9/32') }];
  const host = { addresses, links: [link({ index: 1, name: 'lo', mtuBytes: 65536 })] };
  const { made } = computeTunnelDifference({ tunnels: new Map([[TUNNEL, vxlan]]) }, host);
  expect(made).toEqual([{ name: TUNNEL, identity: { ...identity, parentIndex: 0 }, mtuBytes: 1450 }]);
});

test('one that is as wanted is left, what can be corrected is corrected', () => {
  expect(differ({ [TUNNEL]: vxlan }, { links: [standing()] })).toEqual([]);
  for (const change of [{ up: false }, { isBent: true }, { mtuBytes: 1300 }])
    expect(differ({ [TUNNEL]: vxlan }, { links: [standing(change)] })).toEqual([`${TUNNEL} 1450`]);
});

const others: readonly (readonly [string, TunnelLink['identity']])[] = [
  ['VNI', { ...identity, vni: 7 }],
  ['port', { ...identity, port: 8472 }],
  ['parent', { ...identity, parentIndex: 3 }],
  ['local address', { ...identity, local: parseIp('10.99.0.8') }],
  ['MAC address', { ...identity, mac: parseMac('66:00:00:00:00:08') }],
  ['kind', { kind: 'ipip' }],
  ['way of learning', undefined],
];

test.each(others)('one of another %s is made anew if it is ours, and left and named if not', (_what, other) => {
  expect(differ({ [TUNNEL]: vxlan }, { links: [standing({ identity: other })] })).toEqual([
    `-${TUNNEL}`,
    `+${TUNNEL} 1450`,
  ]);
  expect(differ({ [TUNNEL]: vxlan }, { links: [standing({ identity: other, group: 0 })] })).toEqual([
    `make link "${TUNNEL}": somebody else's has the name, and is another one`,
  ]);
});

test('one that somebody else made the same is taken over', () => {
  expect(differ({ [TUNNEL]: vxlan }, { links: [standing({ group: 0 })] })).toEqual([`${TUNNEL} 1450`]);
});

test('one of ours that nobody wants goes, somebody else’s stays', () => {
  const others = [standing({ name: 'mine', group: 0 }), standing({ name: 'bridge', tunnelKind: undefined })];
  expect(differ({}, { links: [standing(), ...others] })).toEqual([`-${TUNNEL}`]);
  expect(differ({}, { links: [standing({ identity: undefined }), ...others] })).toEqual([`-${TUNNEL}`]);
});
