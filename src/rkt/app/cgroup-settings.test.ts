import { expect, test } from 'bun:test';
import { computeGroupSettings } from './cgroup-settings.ts';
import type { AppLimits } from './oci-spec.ts';

const none: AppLimits = { memoryBytes: undefined, milliCpu: undefined, cpuShares: undefined, pids: undefined };

const cases: readonly (readonly [limits: Partial<AppLimits>, v1: readonly string[], v2: readonly string[]])[] = [
  [{}, ['pids.max=2048'], ['pids.max=2048']],
  [{ pids: 0 }, [], []],
  [{ pids: 7 }, ['pids.max=7'], ['pids.max=7']],
  [
    { pids: 0, memoryBytes: 4096 },
    ['memory.limit_in_bytes=4096', 'memory.kmem.tcp.limit_in_bytes=4096'],
    ['memory.max=4096'],
  ],
  [{ pids: 0, milliCpu: 1500 }, ['cpu.cfs_period_us=100000', 'cpu.cfs_quota_us=150000'], ['cpu.max=150000 100000']],
  [{ pids: 0, cpuShares: 2 }, ['cpu.shares=2'], ['cpu.weight=1']],
  [{ pids: 0, cpuShares: 1024 }, ['cpu.shares=1024'], ['cpu.weight=39']],
  [{ pids: 0, cpuShares: 262_144 }, ['cpu.shares=262144'], ['cpu.weight=10000']],
];

test.each(cases)('limits %j', (limits, v1, v2) => {
  const settings = computeGroupSettings({ ...none, ...limits });
  const written = (version: 'v1' | 'v2') =>
    settings.flatMap((setting) => setting[version].map(([file, value]) => `${file}=${value}`));
  expect([written('v1'), written('v2')]).toEqual([[...v1], [...v2]]);
});

test('only the default limit of processes is not asked for', () => {
  const asked = (limits: Partial<AppLimits>) => computeGroupSettings({ ...none, ...limits }).map(({ asked }) => asked);
  expect([asked({}), asked({ pids: 5 }), asked({ memoryBytes: 1 })]).toEqual([[false], [true], [true, false]]);
});
