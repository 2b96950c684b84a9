import { afterEach, expect, test } from 'bun:test';
import { createRefresher, type Refresher } from './refresh.ts';

let counts = { rules: 0, routes: 0, paths: 0 };
let refresher: Refresher | undefined;

function refresh(rulesSeconds: number, routesSeconds: number): void {
  counts = { rules: 0, routes: 0, paths: 0 };
  refresher ??= createRefresher({
    dataplane: { resync: () => void counts.rules++ },
    workloads: { reconcile: () => void counts.routes++ },
    hostPaths: { reconcile: () => void counts.paths++ },
    log: { error: () => undefined },
  });
  refresher.setTimes({ rulesSeconds, routesSeconds });
}

afterEach(() => refresher?.close());

test('rules and routes are compared as often as is asked for, and with 0 never', async () => {
  refresh(0.01, 0);
  await Bun.sleep(200);
  expect(counts.rules).toBeGreaterThan(3);
  expect(counts.routes).toBe(0);
  refresh(0, 0.01);
  await Bun.sleep(200);
  expect(counts.rules).toBe(0);
  expect(Math.min(counts.routes, counts.paths)).toBeGreaterThan(3);
});

test('an interval longer than any timer is not one of no time', async () => {
  refresh(1_000 * 3_600, 9e9);
  await Bun.sleep(50);
  expect(counts).toEqual({ rules: 0, routes: 0, paths: 0 });
});
