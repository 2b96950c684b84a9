import { afterAll, expect, test } from 'bun:test';
import { observeLink } from '../../src/kernel/link/links.ts';
import { observeAddresses } from '../../src/kernel/route/addresses.ts';
import { formatCidr } from '../../src/net/cidr.ts';
import { parseIp } from '../../src/net/ip.ts';
import { close, newNetns } from '../../src/sys/libc.ts';
import { withRouteSocket } from '../../src/sys/netlink.ts';
import { withNetns } from '../../src/sys/netns.ts';
import { ensureWireguardLink, removeWireguardLinks } from '../../src/wireguard/link.ts';
import { applyLinkSettings } from '../../src/wireguard/link-settings.ts';
import { createUapiControl } from '../../src/wireguard/uapi-socket.ts';

const netns = newNetns();
const inside = <T>(work: () => T): T => withNetns(netns, work);
afterAll(() => close(netns));

test('there is a device that stays, by the kernel or, where it has no WireGuard, a TUN device; made again it is the same', () => {
  const made = inside(() => withRouteSocket((socket) => ensureWireguardLink(socket, 'wg.a', 4)));
  expect(['kernel', 'program']).toContain(made.kind);
  expect(inside(() => withRouteSocket((socket) => ensureWireguardLink(socket, 'wg.a', 4)))).toEqual(made);
});

test('it is up, and has the MTU and the one address that it is given', () => {
  const set = (mtuBytes: number, address: string | undefined) =>
    inside(() =>
      withRouteSocket((socket) => {
        const { index } = ensureWireguardLink(socket, 'wg.a', 4);
        applyLinkSettings(socket, index, { mtuBytes, address: address === undefined ? undefined : parseIp(address) });
        const link = observeLink(socket, 'wg.a');
        const own = observeAddresses(socket, index).map(({ address: one }) => formatCidr(one));
        return [link?.up, link?.mtuBytes, own.filter((text) => !text.startsWith('fe80:'))];
      }),
    );
  expect(set(1400, '10.0.0.1')).toEqual([true, 1400, ['10.0.0.1/32']]);
  expect(set(1380, '10.0.0.2')).toEqual([true, 1380, ['10.0.0.2/32']]);
  expect(set(1380, 'fd00::1')).toEqual([true, 1380, ['fd00::1/128']]);
  expect(set(1380, undefined)).toEqual([true, 1380, []]);
});

test('a device of somebody else, or of the other family, is not taken', () => {
  const make = (family: 4 | 6) =>
    inside(() => withRouteSocket((socket) => ensureWireguardLink(socket, 'wg.a', family)));
  expect(() => make(6)).toThrow('make link "wg.a": there is one of that name, and it is somebody else\'s');
  expect(() => inside(() => withRouteSocket((socket) => ensureWireguardLink(socket, 'lo', 4)))).toThrow(
    "somebody else's",
  );
});

test('ours go, and nobody else’s', () => {
  inside(() => withRouteSocket((socket) => ensureWireguardLink(socket, 'wg.b', 6)));
  expect(inside(() => withRouteSocket(removeWireguardLinks)).toSorted()).toEqual(['wg.a', 'wg.b']);
  expect(inside(() => withRouteSocket(removeWireguardLinks))).toEqual([]);
  expect(inside(() => withRouteSocket((socket) => observeLink(socket, 'lo')))?.name).toBe('lo');
});

test('a program that does not listen is not there', async () => {
  await expect(createUapiControl('wg.none').read()).rejects.toThrow('nobody listens');
});
