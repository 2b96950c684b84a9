import { expect, test } from 'bun:test';
import { parseIp } from '../../net/ip.ts';
import { printRule } from '../../nftables/print.ts';
import { computeNatChains } from './chains.ts';
import type { NatConfig } from './config.ts';

const LEAVING4 = 'meta nfproto ipv4 ip saddr @nat-sources4 ip daddr != @nat-direct4';
const LEAVING6 = 'meta nfproto ipv6 ip6 saddr @nat-sources6 ip6 daddr != @nat-direct6';

function rulesOf(config: NatConfig, name = 'base-postrouting'): readonly string[] {
  return computeNatChains(config).flatMap((chain) => (chain.name === name ? chain.rules.map(printRule) : []));
}

test('what leaves has the address of its interface', () => {
  expect(rulesOf({ floatingAddresses: false })).toEqual([
    `${LEAVING4} masquerade fully-random`,
    `${LEAVING6} masquerade fully-random`,
  ]);
});

test('a range of ports is for TCP and UDP, an address for IPv4, a filter for all', () => {
  const config = { address: parseIp('192.0.2.7'), ports: { min: 1024, max: 2000 }, interfaceFilter: 'eth+' };
  expect(rulesOf({ ...config, floatingAddresses: false })).toEqual([
    `${LEAVING4} oifname "eth*" meta l4proto 6 snat ip to 192.0.2.7:1024-2000 fully-random`,
    `${LEAVING4} oifname "eth*" meta l4proto 17 snat ip to 192.0.2.7:1024-2000 fully-random`,
    `${LEAVING4} oifname "eth*" snat ip to 192.0.2.7 fully-random`,
    `${LEAVING6} oifname "eth*" meta l4proto 6 masquerade to :1024-2000 fully-random`,
    `${LEAVING6} oifname "eth*" meta l4proto 17 masquerade to :1024-2000 fully-random`,
    `${LEAVING6} oifname "eth*" masquerade fully-random`,
  ]);
});

test('floating addresses are looked up where packets come in and where the host sends', () => {
  for (const name of ['base-nat-prerouting', 'base-nat-output']) {
    expect(rulesOf({ floatingAddresses: false }, name)).toEqual([]);
    expect(rulesOf({ floatingAddresses: true }, name)).toEqual([
      'meta nfproto ipv4 ip daddr vmap @floating-addresses4',
      'meta nfproto ipv6 ip6 daddr vmap @floating-addresses6',
    ]);
  }
});
