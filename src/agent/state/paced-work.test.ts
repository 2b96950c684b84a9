import { expect, test } from 'bun:test';
import { createPacedWork } from './paced-work.ts';

/** Work that takes so long, and how often it was done. */
function createCountedWork(lastsMs: number) {
  const done: number[] = [];
  const failures: unknown[] = [];
  const paced = createPacedWork(
    () => {
      Bun.sleepSync(lastsMs);
      done.push(performance.now());
    },
    (error) => failures.push(error),
  );
  return { done, failures, paced };
}

test('after a rest it works at once', async () => {
  const { done, paced } = createCountedWork(5);
  for (let count = 1; count <= 3; count++) {
    paced.touch();
    expect(done).toHaveLength(count);
    await Bun.sleep(600);
  }
});

test('changes that come while it rests are taken together, and none is left behind', async () => {
  const { done, paced } = createCountedWork(40);
  for (let count = 0; count < 100; count++) {
    paced.touch();
    await Bun.sleep(1);
  }
  const lastTouchMs = performance.now();
  paced.touch();
  await Bun.sleep(200);
  expect(done.length).toBeLessThan(20);
  expect(done.at(-1)).toBeGreaterThan(lastTouchMs);
});

test('whoever cannot wait has it done at once, and what was due is done with it', async () => {
  const { done, paced } = createCountedWork(40);
  paced.touch();
  paced.touch();
  expect(done).toHaveLength(1);
  paced.run();
  expect(done).toHaveLength(2);
  await Bun.sleep(120);
  expect(done).toHaveLength(2);
});

test('what fails by itself is told, and what fails at once is thrown', async () => {
  const failures: unknown[] = [];
  let fails = false;
  const paced = createPacedWork(
    () => {
      Bun.sleepSync(20);
      if (fails) throw new Error('no');
    },
    (error) => failures.push(error),
  );
  paced.touch();
  fails = true;
  paced.touch();
  await Bun.sleep(60);
  expect(failures).toEqual([new Error('no')]);
  expect(() => paced.run()).toThrow('no');
});

test('a closed one does nothing more by itself', async () => {
  const { done, paced } = createCountedWork(20);
  paced.touch();
  paced.touch();
  paced.close();
  await Bun.sleep(60);
  expect(done).toHaveLength(1);
});
