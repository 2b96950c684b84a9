// A socket with little room: a start of many endpoints goes in parts, of which no packet sees one without the others.
import { afterAll, expect, test } from 'bun:test';
import { addEndpoints, oneForEach } from '../../bench/parts/kernel-workload.ts';
import { defaultFirewallConfig } from '../../src/firewall/config.ts';
import { createFirewall } from '../../src/firewall/firewall.ts';
import { setsockopt } from '../../src/sys/libc.ts';
import { observeSendRoom } from '../../src/sys/netlink.ts';
import { addNetns, listRuleset, openFirewallIn, removeAllNetns } from '../support/firewall/firewall-net.ts';

const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SMALL_BYTES = 100_000;
const SIZE = { sets: 100, members: 50, policies: 100 };

afterAll(removeAllNetns);

function load(isSmall: boolean): readonly unknown[] {
  const netns = addNetns();
  const kernel = openFirewallIn(netns);
  if (isSmall) {
    setsockopt(kernel.fd, SOL_SOCKET, SO_SNDBUF, new Uint8Array(Int32Array.of(SMALL_BYTES / 2).buffer));
    expect(observeSendRoom(kernel.fd)).toBeLessThan(SMALL_BYTES);
  }
  const firewall = createFirewall(defaultFirewallConfig);
  kernel.loadBase(defaultFirewallConfig);
  firewall.apply(oneForEach(SIZE));
  kernel.resync(firewall.ruleset);
  expect(kernel.apply(firewall.apply(addEndpoints(SIZE, 50)), firewall.ruleset)).toEqual({ kind: 'applied' });
  expect(kernel.resync(firewall.ruleset)).toEqual([]);
  kernel.close();
  return listRuleset(netns);
}

test('a load that the socket does not take at once goes in parts, and comes to the same rules', () => {
  expect(load(true)).toEqual(load(false));
});
