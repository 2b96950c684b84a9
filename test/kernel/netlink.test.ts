import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import * as libc from '../../src/sys/libc.ts';
import * as netlink from '../../src/sys/netlink.ts';
import { createNetns, ownNetns, strayThreads, warmThreadPool, withNetns } from '../../src/sys/netns.ts';

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const IFLA_IFNAME = 3;

function linkMessage(writer: netlink.MessageWriter, type: number, flags: number, index: number): netlink.MessageWriter {
  return writer.begin(type, flags).u8(0).u8(0).u16(0).u32(index).u32(0).u32(0);
}

/** Runs in a namespace that ends with the test. */
function inside<T>(work: () => T): T {
  const fd = createNetns();
  try {
    return withNetns(fd, work);
  } finally {
    libc.close(fd);
  }
}

function addBridge(writer: netlink.MessageWriter, name: string): void {
  linkMessage(writer, RTM_NEWLINK, netlink.NLM_F_ACK | netlink.NLM_F_CREATE | netlink.NLM_F_EXCL, 0);
  writer.attrString(IFLA_IFNAME, name).nestPlain(18).attrString(1, 'bridge').endNest().end();
}

test('a batch is applied in one send and dumped back', () => {
  const names = inside(() => {
    const socket = netlink.openNetlink(netlink.NETLINK_ROUTE);
    const writer = netlink.createMessageWriter();
    for (let i = 0; i < 20; i++) addBridge(writer, `d${i}`);
    socket.request(writer, 20);
    expect(socket.portId).not.toBe(0);
    linkMessage(writer.reset(), RTM_GETLINK, netlink.NLM_F_DUMP, 0).end();
    const found: string[] = [];
    socket.dump(writer, (_type, payload) => {
      found.push(netlink.readText(netlink.readAttributes(payload, 16).get(IFLA_IFNAME) ?? new Uint8Array()));
    });
    socket.close();
    return found;
  });
  expect(names).toEqual(['lo', ...Array.from({ length: 20 }, (_, i) => `d${i}`)]);
});

test('a refused message is named with its place, errno and the words of the kernel', () => {
  inside(() => {
    const socket = netlink.openNetlink(netlink.NETLINK_ROUTE);
    const writer = netlink.createMessageWriter();
    addBridge(writer, 'd0');
    addBridge(writer, 'd0');
    addBridge(writer, 'd1');
    expect(() => socket.request(writer, 3)).toThrow('netlink request, message 2 of 3: refused with EEXIST');
    linkMessage(writer.reset(), RTM_NEWLINK, netlink.NLM_F_ACK | netlink.NLM_F_CREATE, 0);
    writer.nestPlain(18).attrString(1, 'no-such-kind').endNest().end();
    expect(() => socket.request(writer, 1)).toThrow('refused with ENOTSUP (Unknown device type)');
    linkMessage(writer.reset(), RTM_NEWLINK, netlink.NLM_F_ACK, 9999).end();
    addBridge(writer, 'd2');
    expect(socket.tryRequest(writer, 2).map(({ index, errno }) => ({ index, errno }))).toEqual([
      { index: 0, errno: libc.ENODEV },
    ]);
    linkMessage(writer.reset(), RTM_NEWLINK, netlink.NLM_F_ACK, 1).end();
    expect(socket.tryRequest(writer, 1)).toEqual([]);
    socket.close();
  });
});

test('lost answers are reported as ENOBUFS', () => {
  inside(() => {
    const socket = netlink.openNetlink(netlink.NETLINK_ROUTE, { receiveBufferBytes: 2048, sendBufferBytes: 1 << 20 });
    const writer = netlink.createMessageWriter();
    for (let i = 0; i < 300; i++) linkMessage(writer, RTM_NEWLINK, netlink.NLM_F_ACK, 1).end();
    expect(() => socket.request(writer, 300)).toThrow('ENOBUFS');
    socket.close();
  });
});

test('a big batch and its answers fit into forced buffers', () => {
  inside(() => {
    const options = { receiveBufferBytes: 64 << 20, sendBufferBytes: 64 << 20 };
    const socket = netlink.openNetlink(netlink.NETLINK_ROUTE, options);
    const writer = netlink.createMessageWriter();
    for (let i = 0; i < 20_000; i++) linkMessage(writer, RTM_NEWLINK, netlink.NLM_F_ACK, 1).end();
    socket.request(writer, 20_000);
    socket.close();
  });
});

test('withNetns comes home when the work throws, and no pool thread stays behind', async () => {
  await warmThreadPool();
  const home = ownNetns();
  expect(() =>
    inside(() => {
      expect(ownNetns()).not.toBe(home);
      throw new Error('work failed');
    }),
  ).toThrow('work failed');
  expect(ownNetns()).toBe(home);
  expect(strayThreads(home).filter(({ name }) => name.startsWith('Bun'))).toEqual([]);
});

test('strayThreads sees a thread that is elsewhere', () => {
  const home = ownNetns();
  expect(inside(() => strayThreads(ownNetns()).length)).toBeGreaterThan(0);
  expect(inside(() => strayThreads(home)).filter(({ isMain }) => isMain)).toHaveLength(1);
  expect(strayThreads(home).filter(({ isMain }) => isMain)).toEqual([]);
});

test('a socket of another namespace speaks there, and the thread never leaves home', () => {
  const netns = createNetns();
  const home = ownNetns();
  const inThere = withNetns(netns, ownNetns);
  const socket = netlink.openNetlink(netlink.NETLINK_ROUTE, { netnsFd: netns });
  expect(ownNetns()).toBe(home);
  const writer = netlink.createMessageWriter();
  addBridge(writer, 'only-there');
  socket.request(writer, 1);
  socket.close();
  const names = () => readFileSync('/proc/thread-self/net/dev', 'utf8');
  expect(withNetns(netns, names)).toContain('only-there');
  expect(names()).not.toContain('only-there');
  expect(inThere).not.toBe(home);
  libc.close(netns);
});

test('a descriptor that is no network namespace is refused, and the thread stays home', () => {
  const home = ownNetns();
  const file = libc.open('/proc/self/ns/uts', libc.O_RDONLY);
  expect(() => libc.socketIn(file, 16, 3, netlink.NETLINK_ROUTE)).toThrow('socket_in: EINVAL');
  expect(() => libc.openIn(file, '/proc/sys/net/ipv4/ip_forward', libc.O_RDONLY)).toThrow('EINVAL');
  expect(() => libc.socketIn(-1, 16, 3, netlink.NETLINK_ROUTE)).toThrow('socket_in: EBADF');
  libc.close(file);
  expect(ownNetns()).toBe(home);
});
