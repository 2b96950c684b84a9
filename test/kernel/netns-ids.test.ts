// A pod's namespace is found as long as one of its processes lives, whatever others begin and end in it meanwhile.
import { expect, test } from 'bun:test';
import { observeLinks } from '../../src/kernel/link/links.ts';
import { forEachNetns } from '../../src/kernel/link/netns-ids.ts';
import * as libc from '../../src/sys/libc.ts';
import * as netlink from '../../src/sys/netlink.ts';
import { createNetns, withNetns } from '../../src/sys/netns.ts';

const LOOKS = 200;
const LINK = 'host0';

const begin = (netns: number, script: string) =>
  withNetns(netns, () => Bun.spawn(['sh', '-c', script], { stdio: ['ignore', 'ignore', 'ignore'] }));

/** Whether the namespace at the other end of the link is among those that are found. */
function isPodFound(): boolean {
  return netlink.withRouteSocket((socket) => {
    const peer = observeLinks(socket).find(({ name }) => name === LINK)?.peer;
    const ids = new Set<number>();
    forEachNetns(socket, (id) => ids.add(id));
    return peer !== undefined && ids.has(peer.netnsId);
  });
}

test('a namespace in which processes begin and end all the time is found at each look', async () => {
  const [host, pod] = [createNetns(), createNetns()];
  const keeper = begin(pod, 'exec sleep 60');
  const busy = Array.from({ length: 4 }, () => begin(pod, 'for i in $(seq 20000); do sleep 0.002; done'));
  try {
    const link = `ip link add ${LINK} type veth peer name eth0 netns ${keeper.pid}`;
    expect(withNetns(host, () => Bun.spawnSync(['sh', '-c', link])).exitCode).toBe(0);
    const found = withNetns(host, () => Array.from({ length: LOOKS }, isPodFound));
    expect(found.filter(Boolean).length).toBe(LOOKS);
  } finally {
    for (const child of [keeper, ...busy]) child.kill('SIGKILL');
    await Promise.all([keeper, ...busy].map(({ exited }) => exited));
    for (const fd of [host, pod]) libc.close(fd);
  }
}, 30_000);
