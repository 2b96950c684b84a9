import { expect, test } from 'bun:test';
import * as libc from '../../src/sys/libc.ts';
import { createNetns, withNetns } from '../../src/sys/netns.ts';
import { applySysctls, tryReadSysctl } from '../../src/sys/sysctl.ts';

const FORWARD = 'net/ipv4/ip_forward';

test('settings of another namespace change there and not here', () => {
  const netns = createNetns();
  const before = tryReadSysctl(FORWARD);
  for (const value of ['1', '0']) {
    applySysctls([{ name: FORWARD, value }], netns);
    expect(withNetns(netns, () => tryReadSysctl(FORWARD))).toBe(value);
  }
  expect(tryReadSysctl(FORWARD)).toBe(before);
  libc.close(netns);
});

test('a missing setting is refused unless it is optional, and a refused value is named', () => {
  const netns = createNetns();
  const missing = { name: 'net/ipv4/no_such_setting', value: '1' };
  expect(() => applySysctls([missing], netns)).toThrow('open_in "/proc/sys/net/ipv4/no_such_setting": ENOENT');
  applySysctls([{ ...missing, optional: true }], netns);
  expect(() => applySysctls([{ name: FORWARD, value: 'x' }], netns)).toThrow(
    'set "/proc/sys/net/ipv4/ip_forward" to x: refused',
  );
  expect(tryReadSysctl(missing.name)).toBeUndefined();
  libc.close(netns);
});
