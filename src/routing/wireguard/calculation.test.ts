import { expect, test } from 'bun:test';
import { formatCidr, parseCidr } from '../../net/cidr.ts';
import { parseIp } from '../../net/ip.ts';
import { computeEncryption, type Encryption } from './calculation.ts';
import { formatEndpoint } from './device.ts';
import type { WireguardInput, WireguardNode, WireguardSettings } from './input.ts';

const settings: WireguardSettings = {
  interfaceName: 'wireguard.cali',
  listenPort: 51820,
  keepaliveSeconds: 0,
  encryptsHosts: false,
  isThreaded: false,
  table: 1,
  rulePriority: 99,
};
const range = (destination: string, node: string) => ({ destination: parseCidr(destination), node });
const nodeOf = (name: string, changes: Partial<WireguardNode> = {}): WireguardNode => ({
  ...{ name, address: parseIp(`10.0.0.${name.length}`), publicKey: `key of ${name}`, tunnelAddresses: [] },
  ...{ isEncrypting: true, listenPort: 51820 },
  ...changes,
});
const RANGES = [range('10.1.0.0/26', 'a'), range('10.1.0.64/26', 'bb'), range('10.1.0.5/32', 'bb')];

function encrypt(nodes: readonly WireguardNode[], changes: Partial<WireguardInput> = {}): Encryption {
  const all = new Map([nodeOf('a'), ...nodes].map((one) => [one.name, one]));
  return computeEncryption({ nodeName: 'a', nodes: all, ranges: RANGES, settings, ...changes }, parseIp('10.1.0.1'));
}
const waysOf = ({ routes }: Encryption) => routes.map(({ destination, way }) => `${formatCidr(destination)} ${way}`);
const guardedBy = ({ guarded }: Encryption) => guarded.map(formatCidr);
const peersOf = ({ device }: Encryption) =>
  device.peers.map(({ publicKey, endpoint, allowed }) =>
    [publicKey, endpoint === undefined ? 'nowhere' : formatEndpoint(endpoint), ...allowed.map(formatCidr)].join(' '),
  );

test('a node with a key is a peer for its blocks and the addresses that it has borrowed; what is local goes on to the main table', () => {
  const encryption = encrypt([nodeOf('bb')]);
  expect(peersOf(encryption)).toEqual(['key of bb 10.0.0.2:51820 10.1.0.5/32 10.1.0.64/26']);
  expect(waysOf(encryption)).toEqual(['10.1.0.0/26 plain', '10.1.0.5/32 tunnel', '10.1.0.64/26 tunnel']);
  expect(guardedBy(encryption)).toEqual(['10.1.0.5/32', '10.1.0.64/26']);
});

test('the addresses of its tunnels are its own, wherever they come from', () => {
  const tunnelAddresses = [parseIp('10.1.0.9'), parseIp('10.9.0.1')];
  expect(peersOf(encrypt([nodeOf('bb', { tunnelAddresses })]))).toEqual([
    'key of bb 10.0.0.2:51820 10.1.0.5/32 10.1.0.64/26 10.1.0.9/32 10.9.0.1/32',
  ]);
});

test('a key that is missing closes the way to a node that is to encrypt', () => {
  const encryption = encrypt([nodeOf('bb', { publicKey: undefined })]);
  expect(peersOf(encryption)).toEqual([]);
  expect(waysOf(encryption)).toEqual(['10.1.0.0/26 plain', '10.1.0.5/32 nowhere', '10.1.0.64/26 nowhere']);
  expect(guardedBy(encryption)).toEqual(['10.1.0.5/32', '10.1.0.64/26']);
});

test('a node that is to encrypt nothing, and has no key, is spoken to in plain', () => {
  const encryption = encrypt([nodeOf('bb', { publicKey: undefined, isEncrypting: false })]);
  expect(waysOf(encryption)).toEqual(['10.1.0.0/26 plain', '10.1.0.5/32 plain', '10.1.0.64/26 plain']);
  expect(guardedBy(encryption)).toEqual([]);
});

test('a key counts for more than the configuration, which may be set on the host itself', () => {
  expect(peersOf(encrypt([nodeOf('bb', { isEncrypting: false })]))).toHaveLength(1);
});

test('a key that two nodes claim is nobody’s, and closes the way to both', () => {
  const encryption = encrypt([nodeOf('bb'), nodeOf('ccc', { publicKey: 'key of bb' })], {
    ranges: [...RANGES, range('10.2.0.0/26', 'ccc')],
  });
  expect(peersOf(encryption)).toEqual([]);
  expect(guardedBy(encryption)).toEqual(['10.1.0.5/32', '10.1.0.64/26', '10.2.0.0/26']);
});

test('this host’s own key at another node closes the way there', () => {
  const encryption = encrypt([nodeOf('bb', { publicKey: 'key of a' })]);
  expect([peersOf(encryption), guardedBy(encryption)]).toEqual([[], ['10.1.0.5/32', '10.1.0.64/26']]);
});

test('a node whose address is not known is no peer, and the way to it is closed', () => {
  const encryption = encrypt([nodeOf('bb', { address: undefined })]);
  expect([peersOf(encryption), guardedBy(encryption)]).toEqual([[], ['10.1.0.5/32', '10.1.0.64/26']]);
});

test('with host encryption the hosts’ addresses go by the tunnel, guarded for packets of workloads', () => {
  const encryption = encrypt([nodeOf('bb')], { settings: { ...settings, encryptsHosts: true } });
  expect(peersOf(encryption)).toEqual(['key of bb 10.0.0.2:51820 10.0.0.2/32 10.1.0.5/32 10.1.0.64/26']);
  expect(waysOf(encryption)).toContain('10.0.0.2/32 tunnel');
  expect(encryption.guardedHosts.map(formatCidr)).toEqual(['10.0.0.2/32']);
  expect(guardedBy(encryption)).not.toContain('10.0.0.2/32');
  expect(encryption.address).toBe(parseIp('10.0.0.1'));
});

test('a host without a key keeps its own packets plain, as the store may be there', () => {
  const encryption = encrypt([nodeOf('bb', { publicKey: undefined })], {
    settings: { ...settings, encryptsHosts: true },
  });
  expect(encryption.guardedHosts).toEqual([]);
  expect(waysOf(encryption)).not.toContain('10.0.0.2/32 nowhere');
});
