import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatIp, type Ip, ipv4Of, ipv6Of, parseIp } from '../net/ip.ts';
import { tryReadNamedEndpoint } from './named-endpoint.ts';
import { tryParseReverseName } from './reverse.ts';
import { createZone, type Found, type Zone } from './zone.ts';

interface Given {
  readonly names?: string;
  readonly dns?: string;
  readonly networks?: readonly string[];
  readonly node?: string;
  readonly container?: string;
}

function endpoint(
  address: string,
  { names = '', dns = '', networks = ['red'], node = 'here', container = address }: Given,
) {
  return {
    metadata: { annotations: { 'ocicat/names': names, 'ocicat/dns': dns } },
    spec: {
      node,
      containerID: container,
      profiles: networks,
      ipNetworks: address.split(' ').map((one) => `${one}/32`),
    },
  };
}

function zoneOf(endpoints: Readonly<Record<string, Given>>): Zone {
  const zone = createZone();
  for (const [address, given] of Object.entries(endpoints))
    zone.set(address, tryReadNamedEndpoint(endpoint(address, given), 'here'));
  return zone;
}

function show(found: Found): string {
  if (found.kind === 'addresses') return found.addresses.map(formatIp).join(' ');
  return found.kind === 'names' ? found.names.join(' ') : found.kind;
}

function ask(zone: Zone, from: string, name: string): string {
  const asker = zone.askerAt(parseIp(from));
  return asker === undefined ? 'nobody' : show(zone.find(asker, name));
}

const zone = zoneOf({
  '10.0.0.1': { names: 'client' },
  '10.0.0.2 fd00::2': { names: 'web www', node: 'there' },
  '10.0.0.3': { names: 'web', networks: ['blue'], node: 'there' },
  '10.0.0.4': { names: 'both', networks: ['red', 'blue'] },
  '10.0.0.5': { networks: ['blue'] },
  '10.0.0.6': { names: 'db.blue api.example.org', node: 'there' },
  '10.0.0.7': { names: 'quiet', dns: 'red/off' },
  '10.0.0.8': { names: 'web', node: 'there', networks: ['shop.red'] },
  '10.0.0.9': { names: 'nested', networks: ['red', 'shop.red'] },
});

test.each([
  ['10.0.0.1', 'web', '10.0.0.2 fd00::2'],
  ['10.0.0.1', 'www.red', '10.0.0.2 fd00::2'],
  ['10.0.0.1', 'client', '10.0.0.1'],
  ['10.0.0.5', 'web', '10.0.0.3'],
  ['10.0.0.4', 'web', '10.0.0.2 fd00::2 10.0.0.3'],
  ['10.0.0.4', 'web.blue', '10.0.0.3'],
  ['10.0.0.9', 'web.shop.red', '10.0.0.8'],
])('%s finds %s', (from, name, expected) => {
  expect(ask(zone, from, name)).toBe(expected);
});

test.each([
  ['10.0.0.5', 'client', 'nothing'],
  ['10.0.0.1', 'web.blue', 'elsewhere'],
  ['10.0.0.1', 'nobody.red', 'nothing'],
  ['10.0.0.1', 'www.example.org', 'elsewhere'],
  ['10.0.0.1', 'quiet', 'nothing'],
  ['10.0.0.7', 'web', 'nobody'],
  ['10.0.0.2', 'web', 'nobody'],
  ['192.0.2.1', 'web', 'nobody'],
])('%s does not find %s', (from, name, expected) => {
  expect(ask(zone, from, name)).toBe(expected);
});

test('a name with dots is found as it is, but never in the domain of another network that the asker is in', () => {
  expect(ask(zone, '10.0.0.1', 'api.example.org')).toBe('10.0.0.6');
  expect(ask(zone, '10.0.0.1', 'db.blue')).toBe('10.0.0.6');
  expect(ask(zone, '10.0.0.4', 'db.blue')).toBe('nothing');
  expect(ask(zone, '10.0.0.4', 'db.blue.red')).toBe('10.0.0.6');
});

const REVERSE6 = `2.${'0.'.repeat(27)}0.0.d.f.ip6.arpa`;

test.each([
  ['10.0.0.1', '2.0.0.10.in-addr.arpa', 'web.red'],
  ['10.0.0.1', REVERSE6, 'web.red'],
  ['10.0.0.4', '4.0.0.10.in-addr.arpa', 'both.red both.blue'],
  ['10.0.0.1', '4.0.0.10.in-addr.arpa', 'both.red'],
  ['10.0.0.1', '3.0.0.10.in-addr.arpa', 'elsewhere'],
  ['10.0.0.1', 'localhost', '127.0.0.1 ::1'],
])('%s asks whose %s is', (from, name, expected) => {
  expect(ask(zone, from, name)).toBe(expected);
});

test('an endpoint of one network alone that looks no further says so', () => {
  const internal = zoneOf({ '10.0.0.1': { dns: 'red/internal' }, '10.0.0.2': { networks: ['red', 'blue'] } });
  expect(internal.askerAt(parseIp('10.0.0.1'))?.memberships).toEqual([{ network: 'red', forwards: false }]);
  expect(internal.askerAt(parseIp('10.0.0.2'))?.memberships.map(({ forwards }) => forwards)).toEqual([true, true]);
});

test('a container asks for all of its interfaces by any of them, and by one that finds nothing too', () => {
  const several = zoneOf({
    '10.0.0.1': { networks: ['green'], dns: 'green/off', container: 'c1' },
    '10.0.0.2': { networks: ['red'], dns: 'red/internal', container: 'c1' },
    '10.0.0.3': { networks: ['blue'], container: 'c1' },
    '10.0.0.4': { names: 'web', networks: ['red'], node: 'there', container: 'c1' },
    '10.0.0.5': { names: 'web', networks: ['blue'], node: 'there' },
    '10.0.0.6': { names: 'web', networks: ['green'], node: 'there' },
    '10.0.0.7': { networks: ['red'], container: 'c2' },
  });
  for (const from of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) expect(ask(several, from, 'web')).toBe('10.0.0.4 10.0.0.5');
  expect(several.askerAt(parseIp('10.0.0.2'))?.memberships.some(({ forwards }) => forwards)).toBe(true);
  expect(ask(several, '10.0.0.7', 'web')).toBe('10.0.0.4');
});

test('while two endpoints have an address, it stands for what both may know', () => {
  const moved = createZone();
  const read = (given: Given) => tryReadNamedEndpoint(endpoint('10.0.0.1', given), 'here');
  moved.set('old', read({ networks: ['red', 'green'], container: 'c1' }));
  moved.set('new', read({ networks: ['blue', 'green'], container: 'c2' }));
  expect(moved.askerAt(parseIp('10.0.0.1'))?.memberships.map(({ network }) => network)).toEqual(['green']);
  moved.set('old', undefined);
  expect(moved.askerAt(parseIp('10.0.0.1'))?.memberships.map(({ network }) => network)).toEqual(['blue', 'green']);
  moved.set('new', undefined);
  expect([moved.askerAt(parseIp('10.0.0.1')), moved.hasAskers()]).toEqual([undefined, false]);
});

test('anything may stand in the store', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      tryReadNamedEndpoint(value, 'here');
      tryReadNamedEndpoint({ metadata: { annotations: value }, spec: value }, 'here');
    }),
  );
});

const address = fc.oneof(fc.nat(0xffffffff).map(ipv4Of), fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map(ipv6Of));

function reverseOf(ip: Ip): string {
  if (typeof ip === 'number') return `${formatIp(ip).split('.').toReversed().join('.')}.in-addr.arpa`;
  return `${ip.toString(16).padStart(32, '0').split('').toReversed().join('.')}.ip6.arpa`;
}

test('a reverse name is that of one address', () => {
  fc.assert(
    fc.property(address, (ip) => {
      expect(tryParseReverseName(reverseOf(ip))).toBe(ip);
    }),
  );
  for (const name of ['1.0.0.10.in-addr.arpa.x', '256.0.0.10.in-addr.arpa', '0.0.10.in-addr.arpa', 'ip6.arpa'])
    expect([name, tryParseReverseName(name)]).toEqual([name, undefined]);
});

const network = fc.constantFrom('red', 'blue', 'green', 'shop.red');
const name = fc.constantFrom('web', 'db', 'web.blue', 'db.red', 'a.b');
const given = fc.record({
  names: fc.uniqueArray(name).map((names) => names.join(' ')),
  networks: fc.uniqueArray(network, { minLength: 1 }),
  node: fc.constantFrom('here', 'there'),
});

test('whatever is asked, what is answered is of a member of a network of the asker', () => {
  fc.assert(
    fc.property(fc.array(given, { minLength: 1, maxLength: 8 }), name, network, (all, asked, domain) => {
      const endpoints = Object.fromEntries(all.map((one, index) => [`10.0.0.${index + 1}`, one]));
      const random = zoneOf(endpoints);
      for (const [from, { networks, node }] of Object.entries(endpoints)) {
        const answer = [asked, `${asked}.${domain}`].map((one) => ask(random, from, one)).join(' ');
        if (node === 'there') expect(answer).toBe('nobody nobody');
        for (const ip of answer.match(/10\.0\.0\.\d/g) ?? [])
          expect(endpoints[ip]?.networks.some((one) => networks.includes(one))).toBe(true);
      }
    }),
  );
});

test('what comes and goes in any order leaves the same', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), given), { maxLength: 20 }), (changes) => {
      const changed = createZone();
      const last: Record<string, Given> = {};
      for (const [index, one] of changes) {
        const ip = `10.0.0.${index + 1}`;
        changed.set(ip, tryReadNamedEndpoint(endpoint(ip, one), 'here'));
        last[ip] = one;
      }
      const fresh = zoneOf(last);
      for (const from of Object.keys(last))
        for (const asked of ['web', 'db.red', 'web.blue'])
          expect(ask(changed, from, asked).split(' ').sort()).toEqual(ask(fresh, from, asked).split(' ').sort());
    }),
  );
});
