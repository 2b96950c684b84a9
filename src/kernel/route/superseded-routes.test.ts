import { expect, test } from 'bun:test';
import { parseCidr } from '../../net/cidr.ts';
import { PROTOCOL_BIRD, PROTOCOL_BOOT, type Route, TABLE_MAIN } from './routes.ts';
import { followBirdRoutes } from './superseded-routes.ts';

function route(destination: string, metric: number, protocol = PROTOCOL_BIRD): Route {
  const how = { table: TABLE_MAIN, scope: 'universe', type: 'unicast', gateway: undefined, source: undefined } as const;
  return { ...how, destination: parseCidr(destination), protocol, interfaceIndex: 2, metric };
}
const gone = (destination: string, metric: number) => ({ ...route(destination, metric), interfaceIndex: undefined });

test('a route under another metric stands in for the one of before, whichever is the better one', () => {
  const routes = followBirdRoutes([route('0.0.0.0/0', 50), route('10.0.0.0/8', 50)]);
  expect(routes.set(route('0.0.0.0/0', 100))).toEqual(gone('0.0.0.0/0', 50));
  routes.removed(route('0.0.0.0/0', 50));
  expect(routes.set(route('0.0.0.0/0', 100))).toBeUndefined();
  expect(routes.set(route('0.0.0.0/0', 20))).toEqual(gone('0.0.0.0/0', 100));
});

test('a route that is gone is nobody’s predecessor, and other programs’ routes are left alone', () => {
  const routes = followBirdRoutes([route('0.0.0.0/0', 0, PROTOCOL_BOOT)]);
  expect(routes.set(route('0.0.0.0/0', 50))).toBeUndefined();
  expect(routes.set(route('0.0.0.0/0', 10, PROTOCOL_BOOT))).toBeUndefined();
  routes.removed(route('0.0.0.0/0', 50));
  expect(routes.set(route('0.0.0.0/0', 60))).toBeUndefined();
});
