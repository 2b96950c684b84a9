// Waits until what is seen is what is wanted, and else fails as `expect` does, which shows both.
import { expect } from 'bun:test';

const LOOK_MS = 50;

export async function untilEqual<T>(observe: () => T | Promise<T>, wanted: T, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let seen = await observe();
  while (!Bun.deepEquals(seen, wanted) && performance.now() < deadline) {
    await Bun.sleep(LOOK_MS);
    seen = await observe();
  }
  expect<unknown>(seen).toEqual(wanted);
}
