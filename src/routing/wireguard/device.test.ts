import { expect, test } from 'bun:test';
import { parseCidr } from '../../net/cidr.ts';
import { parseIp } from '../../net/ip.ts';
import { computeDeviceChange, isNoChange, type WireguardDevice, type WireguardPeer } from './device.ts';

const peer = (publicKey: string, changes: Partial<WireguardPeer> = {}): WireguardPeer => ({
  publicKey,
  endpoint: { address: parseIp('10.0.0.2'), port: 51820 },
  allowed: [parseCidr('10.1.0.0/26'), parseCidr('10.1.0.64/26')],
  keepaliveSeconds: 0,
  ...changes,
});
const device = (...peers: readonly WireguardPeer[]): WireguardDevice => ({ listenPort: 51820, mark: 1, peers });

test('a device that is as it is wanted gets no change', () => {
  expect(isNoChange(computeDeviceChange(device(peer('a'), peer('b')), device(peer('b'), peer('a'))))).toBe(true);
});

test('of several peers only the one that changes is said anything', () => {
  const moved = { address: parseIp('10.0.0.9'), port: 51820 };
  expect(
    computeDeviceChange(device(peer('a'), peer('b', { endpoint: moved })), device(peer('a'), peer('b'))).peers,
  ).toEqual([{ kind: 'update', publicKey: 'b', isNew: false, endpoint: moved }]);
});

test('a range that comes is added, one that goes has all of them said anew', () => {
  const [first, second] = [parseCidr('10.1.0.0/26'), parseCidr('10.1.0.64/26')];
  const one = device(peer('a', { allowed: [first] }));
  expect(computeDeviceChange(device(peer('a')), one).peers).toEqual([
    { kind: 'update', publicKey: 'a', isNew: false, allowed: { replace: false, cidrs: [second] } },
  ]);
  expect(computeDeviceChange(one, device(peer('a'))).peers).toEqual([
    { kind: 'update', publicKey: 'a', isNew: false, allowed: { replace: true, cidrs: [first] } },
  ]);
});

test('another key of a node is another peer: the former goes first', () => {
  const kinds = computeDeviceChange(device(peer('new')), device(peer('old'))).peers.map(({ kind, publicKey }) => [
    kind,
    publicKey,
  ]);
  expect(kinds).toEqual([
    ['remove', 'old'],
    ['update', 'new'],
  ]);
});

test('a peer that knows no endpoint keeps the one from which it was heard', () => {
  expect(computeDeviceChange(device(peer('a', { endpoint: undefined })), device(peer('a'))).peers).toEqual([]);
});
