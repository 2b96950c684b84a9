import { expect, test } from 'bun:test';
import { createIdleTimer } from './idle-timer.ts';

test('idle time begins after the last touch, is told again, and begins anew after the next', async () => {
  const turns: string[] = [];
  const idleTimer = createIdleTimer({ idleMs: 40, againMs: 40, busyMs: 10_000 }, (turn) => turns.push(turn));
  for (let count = 0; count < 5; count++) {
    await Bun.sleep(10);
    idleTimer.touch();
  }
  expect(turns).toEqual([]);
  while (turns.length < 2) await Bun.sleep(5);
  expect(turns).toEqual(['first', 'again']);
  idleTimer.touch();
  while (turns.length < 3) await Bun.sleep(5);
  expect(turns).toEqual(['first', 'again', 'first']);
  idleTimer.close();
});

test('work that does not stop is interrupted now and then, and idle time begins after it as always', async () => {
  const turns: string[] = [];
  const idleTimer = createIdleTimer({ idleMs: 40, againMs: 10_000, busyMs: 150 }, (turn) => turns.push(turn));
  const startMs = performance.now();
  while (turns.length < 2) {
    await Bun.sleep(5);
    idleTimer.touch();
  }
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(300);
  expect(turns).toEqual(['first', 'first']);
  while (turns.length < 3) await Bun.sleep(5);
  expect(turns).toEqual(['first', 'first', 'first']);
  idleTimer.close();
});
