// Network namespaces as they come and go: which of them are known to be gone.
import { afterEach, expect, test } from 'bun:test';
import { findGoneNetns, identifyNetns } from '../../src/kernel/link/netns-identity.ts';
import * as libc from '../../src/sys/libc.ts';
import { createNetns, withNetns } from '../../src/sys/netns.ts';

const open = new Set<number>();
const host = createNetns();

function make(): number {
  const fd = createNetns();
  open.add(fd);
  return fd;
}

function lose(fd: number): void {
  open.delete(fd);
  libc.close(fd);
}

afterEach(() => {
  for (const fd of open) lose(fd);
});

const identify = (fd: number) => withNetns(host, () => identifyNetns(fd)) ?? '';
const gone = (...identities: readonly string[]) => [...withNetns(host, () => findGoneNetns(identities))];

/** The kernel takes namespaces apart in its own time. */
async function untilGone(identity: string): Promise<void> {
  for (let tries = 0; gone(identity).length === 0; tries++) {
    expect(tries).toBeLessThan(1_000);
    await Bun.sleep(10);
  }
}

test('a namespace that only a descriptor keeps is not gone; one that nobody keeps is', async () => {
  const [kept, lost] = [make(), make()];
  const [first, second] = [identify(kept), identify(lost)];
  expect(identify(kept)).toBe(first);
  expect(gone(first, second)).toEqual([]);
  lose(lost);
  await untilGone(second);
  expect(gone(first, second)).toEqual([second]);
});

test('one whose number another has by now is gone, when the other can be found, and is kept while nobody can tell', async () => {
  const lost = make();
  const identity = identify(lost);
  lose(lost);
  await untilGone(identity);
  const next = make();
  const [inode, id] = identify(next).split(':');
  const before = `${Number(inode) + 1_000_000}:${id}`; // another namespace that had this number
  expect(gone(before)).toEqual([]);
  const process = withNetns(next, () => Bun.spawn(['sleep', '60'], { stdout: 'ignore' }));
  expect(gone(before, `${inode}:${id}`)).toEqual([before]);
  process.kill();
  await process.exited;
});

test('of hundreds that live none is gone', () => {
  const identities = Array.from({ length: 300 }, () => identify(make()));
  expect(gone(...identities)).toEqual([]);
});

test('what is no identity is not gone', () => {
  expect(gone('', 'x', '1:x')).toEqual([]);
});
