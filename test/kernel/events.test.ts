import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type KernelEvent, observeKernelEvents } from '../../src/kernel/event/events.ts';
import { applyRoutes } from '../../src/kernel/route/route-changes.ts';
import type { Route } from '../../src/kernel/route/routes.ts';
import { parseCidr } from '../../src/net/cidr.ts';
import * as libc from '../../src/sys/libc.ts';
import * as netlink from '../../src/sys/netlink.ts';
import { createNetns, withNetns } from '../../src/sys/netns.ts';

let netns: number;
beforeAll(() => {
  netns = createNetns();
});
afterAll(() => libc.close(netns));

function run(...commands: readonly string[]): void {
  const { exitCode, stderr } = withNetns(netns, () => Bun.spawnSync(['sh', '-ec', commands.join('\n')]));
  expect(`${exitCode} ${stderr.toString()}`).toBe('0 ');
}

/** The events of a piece of work, until one satisfies `last`. */
async function during(work: () => void, last: (event: KernelEvent) => boolean): Promise<readonly KernelEvent[]> {
  const abort = new AbortController();
  const events = withNetns(netns, () =>
    observeKernelEvents(AbortSignal.any([abort.signal, AbortSignal.timeout(4000)])),
  );
  work();
  const seen: KernelEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    if (last(event)) break;
  }
  abort.abort();
  return seen;
}

const ROUTE: Route = {
  destination: parseCidr('10.1.0.0/24'),
  table: 254,
  protocol: 80,
  scope: 'universe',
  type: 'blackhole',
  interfaceIndex: undefined,
  gateway: undefined,
  source: undefined,
  metric: 0,
};

test('links, addresses, neighbours and routes are told as they come and go', async () => {
  const seen = await during(
    () =>
      run(
        'ip link add ev0 type bridge',
        'ip link set ev0 up',
        'ip addr add 10.0.0.1/24 dev ev0',
        'ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev ev0 nud permanent',
        'ip route add 10.2.0.0/16 via 10.0.0.2',
        'ip route del 10.2.0.0/16',
        'ip link del ev0',
      ),
    (event) => event.kind === 'link' && event.change === 'removed',
  );
  const expected = seen.map((event) => {
    switch (event.kind) {
      case 'link':
        return `link ${event.change} ${event.link.name} ${event.link.up ? 'up' : 'down'}`;
      case 'route':
        return event.route.table === 254 ? `route ${event.change} ${event.route.destination.prefixLength}` : '';
      case 'address':
        return `address ${event.change} ${event.address.address.prefixLength}`;
      case 'neighbour':
        return event.neighbour.permanent ? `neighbour ${event.change} ${event.neighbour.mac}` : '';
      default:
        return event.kind;
    }
  });
  for (const wanted of [
    'link set ev0 down',
    'link set ev0 up',
    'address set 24',
    'neighbour set 02:00:00:00:00:02',
    'route set 24',
    'route set 16',
    'route removed 16',
    'link removed ev0 down',
  ])
    expect(expected).toContain(wanted);
});

test('an event names the socket that caused it', async () => {
  const socket = withNetns(netns, () => netlink.openNetlink(netlink.NETLINK_ROUTE));
  const seen = await during(
    () => expect(applyRoutes(socket, { added: [ROUTE], removed: [] })).toEqual([]),
    (event) => event.kind === 'route',
  );
  expect(seen).toEqual([{ kind: 'route', change: 'set', route: ROUTE, causedBy: socket.portId }]);
  applyRoutes(socket, { added: [], removed: [ROUTE] });
  socket.close();
});

test('a firewall transaction is one event that names its tables', async () => {
  const rules = 'add table inet ev-a; add chain inet ev-a c; add rule inet ev-a c accept; add table ip ev-b';
  const seen = await during(
    () => run(`nft '${rules}'`),
    (event) => event.kind === 'nftables',
  );
  expect(seen.map((event) => (event.kind === 'nftables' ? event.tables : event.kind))).toEqual([['ev-a', 'ev-b']]);
});

test('lost notifications are reported as an overrun, and listening goes on', async () => {
  const socket = withNetns(netns, () =>
    netlink.openNetlink(netlink.NETLINK_ROUTE, { sendBufferBytes: 8 << 20, receiveBufferBytes: 64 << 20 }),
  );
  const writer = netlink.createMessageWriter();
  const COUNT = 30_000;
  for (let i = 0; i < COUNT; i++)
    writer
      .begin(16, netlink.NLM_F_ACK)
      .u8(0)
      .u8(0)
      .u16(0)
      .u32(1)
      .u32(i & 1 ? 0 : 1)
      .u32(1)
      .end();
  const abort = new AbortController();
  const events = withNetns(netns, () => observeKernelEvents(abort.signal, ['link', 'route']));
  socket.request(writer, COUNT);
  let overruns = 0;
  for await (const event of events) {
    if (event.kind === 'overrun') {
      // until the backlog has been read the kernel goes on dropping
      if (overruns++ === 0) setTimeout(() => applyRoutes(socket, { added: [ROUTE], removed: [] }), 500);
    } else if (event.kind === 'route' && event.route.type === 'blackhole') break;
  }
  expect(overruns).toBeGreaterThan(0);
  abort.abort();
  socket.close();
});

test('listening ends when aborted, whether or not anybody reads', async () => {
  const abort = new AbortController();
  const unread = withNetns(netns, () => observeKernelEvents(abort.signal));
  const read = withNetns(netns, () => observeKernelEvents(abort.signal));
  const ended = (async () => {
    for await (const _event of read);
  })();
  abort.abort();
  await ended;
  for await (const _event of unread) throw new Error('an event after the end');
});
