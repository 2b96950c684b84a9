// What the program is told as text and the kernel as attributes is the same.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { maskCidr, networkOf } from '../net/cidr.ts';
import { parseIp } from '../net/ip.ts';
import { computeDeviceChange, type WireguardDevice, type WireguardPeer } from '../routing/wireguard/device.ts';
import { createMessageWriter, NLM_F_ACK, readMessages } from '../sys/netlink.ts';
import { keyOfBytes, makePrivateKey, publicKeyOf } from './keys.ts';
import { writeKernelLink } from './link.ts';
import { messagesOf, readDevice, writeDeviceMessage } from './netlink-messages.ts';
import { parseGetAnswer, printSetRequest, refuseFailure } from './uapi-text.ts';

const FAMILY = 0x1c;
const EMPTY: WireguardDevice = { listenPort: 0, mark: 0, peers: [] };

const ip = fc.oneof(fc.ipV4(), fc.ipV6()).map(parseIp);
const cidr = fc
  .tuple(ip, fc.nat(128))
  .map(([address, length]) => maskCidr({ address, prefixLength: typeof address === 'number' ? length % 33 : length }));
const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => keyOfBytes(bytes.map((one) => one | 1)));
const peer: fc.Arbitrary<WireguardPeer> = fc.record({
  publicKey: key,
  endpoint: fc.record({ address: ip, port: fc.integer({ min: 1, max: 65535 }) }),
  allowed: fc.uniqueArray(cidr, {
    maxLength: 5,
    selector: ({ address, prefixLength }) => `${address}/${prefixLength}`,
  }),
  keepaliveSeconds: fc.nat(65535),
});
const device: fc.Arbitrary<WireguardDevice> = fc.record({
  listenPort: fc.integer({ min: 1, max: 65535 }),
  mark: fc.integer({ min: 1, max: 0xffffffff }),
  peers: fc.uniqueArray(peer, { maxLength: 4, selector: ({ publicKey }) => publicKey }),
});

/** What a device holds that was empty and has been told so, by either way: the words of asking are those of telling. */
function heldAfter(wanted: WireguardDevice, privateKey: string) {
  const change = computeDeviceChange(wanted, EMPTY);
  const writer = createMessageWriter();
  const device = { family: FAMILY, name: 'wireguard.cali' };
  for (const message of messagesOf(change, privateKey)) writeDeviceMessage(writer, device, message, NLM_F_ACK);
  const payloads = [...readMessages(writer.finish())].map(({ payload }) => payload);
  return {
    byNetlink: readDevice(payloads),
    byText: parseGetAnswer(`${printSetRequest(change, privateKey)}errno=0\n\n`),
  };
}

test('the kernel and the program are told the same', () => {
  fc.assert(
    fc.property(device, key, (wanted, privateKey) => {
      const { byNetlink, byText } = heldAfter(wanted, privateKey);
      expect(byNetlink).toEqual({ ...wanted, privateKey });
      expect(byText).toEqual({ ...wanted, privateKey });
    }),
    { seed: 3, numRuns: 300 },
  );
});

test('a peer of more ranges than a message holds is told them all', () => {
  const allowed = Array.from({ length: 2_500 }, (_, index) => ({
    address: networkOf(parseIp(`10.${index >> 8}.${index & 255}.0`), 24),
    prefixLength: 24,
  }));
  const wanted = {
    ...{ listenPort: 1, mark: 2 },
    peers: [{ publicKey: publicKeyOf(makePrivateKey()), endpoint: undefined, allowed, keepaliveSeconds: 0 }],
  };
  const { byNetlink, byText } = heldAfter(wanted, makePrivateKey());
  expect(byNetlink.peers).toEqual(wanted.peers);
  expect(byText.peers).toEqual(wanted.peers);
});

test('the attributes are those of linux/wireguard.h', () => {
  const writer = createMessageWriter();
  const publicKey = keyOfBytes(new Uint8Array(32).fill(7));
  const endpoint = { address: parseIp('10.0.0.2'), port: 0x1234 };
  const change = { kind: 'update', publicKey, isNew: false, endpoint, allowed: { replace: true, cidrs: [] } } as const;
  for (const message of messagesOf({ peers: [change, { kind: 'remove', publicKey }] }))
    writeDeviceMessage(writer, { family: FAMILY, name: 'wg' }, message, NLM_F_ACK);
  const hex = Buffer.from(writer.finish()).toString('hex');
  const name = '07000200' + '77670000';
  const keyed = `24000100${'07'.repeat(32)}`;
  expect(hex).toContain(
    `${name}4c00088048000080${keyed}080003000600000014000400020012340a000002000000000000000004000980`,
  );
  expect(hex).toContain(`${name}3400088030000080${keyed}0800030001000000`);
  const link = createMessageWriter();
  writeKernelLink(link, 'wireguard.cali', 4);
  expect(Buffer.from(link.finish()).toString('latin1')).toContain('wireguard\0');
});

test('what the program refuses is said with its number, and no key is in it', () => {
  expect(() => refuseFailure('errno=-22\n\n')).toThrow('errno=-22');
});

test('a private key gives the public one that `wg pubkey` prints', () => {
  const key = keyOfBytes(Buffer.from('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ac177fba51db92c2a', 'hex'));
  expect(publicKeyOf(key)).toBe('KVPpfcoSKfl8YAvsLBf+6qs1zkvt9msdQvFqRJ3FwF8=');
});
