import { expect, test } from 'bun:test';
import { parseCidr } from '../../net/cidr.ts';
import { parseIp } from '../../net/ip.ts';
import { type HeldRoute, printHeldRoutes, stillHeld } from './held-routes.ts';

function held(destination: string, ...gateways: readonly string[]): HeldRoute {
  const hops = gateways.map((gateway) => ({ gateway: parseIp(gateway), interfaceName: 'eth0.5', weight: 1 }));
  return { destination: parseCidr(destination), metric: 1024, hops };
}
const peer = (address: string, isBack: boolean) => ({ address: parseIp(address), isBack });

test('held routes are static routes behind all that peers say', () => {
  expect(printHeldRoutes([])).toBe('');
  expect(
    printHeldRoutes([
      held('10.65.1.0/26', '10.0.0.2', '10.0.0.3'),
      held('::/0', 'fe80::1'),
      held('fd65::/122', 'fd00::2'),
    ]),
  ).toBe(`
# Routes of before a restart, until their peers are there again.

protocol static held_v4 {
  ipv4 { preference 50; };
  route 10.65.1.0/26 via 10.0.0.2 weight 1 via 10.0.0.3 weight 1 { krt_metric = 1024; };
}

protocol static held_v6 {
  ipv6 { preference 50; };
  route ::/0 via fe80::1%'eth0.5' { krt_metric = 1024; };
  route fd65::/122 via fd00::2 { krt_metric = 1024; };
}
`);
});

test('a route is held until the peer that is its gateway is back, and one by others until all of its family are', () => {
  const [mine, theirs, both] = [
    held('10.1.0.0/26', '10.0.0.2'),
    held('10.2.0.0/26', '10.0.0.9'),
    held('10.3.0.0/26', '10.0.0.2', '10.0.0.3'),
  ];
  const all = [mine, theirs, both];
  expect(stillHeld(all, [peer('10.0.0.2', true), peer('10.0.0.3', false), peer('fd00::2', false)])).toEqual([
    theirs,
    both,
  ]);
  expect(stillHeld(all, [peer('10.0.0.2', false), peer('10.0.0.3', true)])).toEqual(all);
  expect(stillHeld(all, [peer('10.0.0.2', true), peer('10.0.0.3', true), peer('fd00::2', false)])).toEqual([]);
});
