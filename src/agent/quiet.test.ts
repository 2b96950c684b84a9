import { expect, test } from 'bun:test';
import { createQuietTimer } from './quiet.ts';

test('quiet begins after the last touch, is told again, and begins anew after the next', async () => {
  const turns: string[] = [];
  const quiet = createQuietTimer(40, 40, (turn) => turns.push(turn));
  for (let count = 0; count < 5; count++) {
    await Bun.sleep(10);
    quiet.touch();
  }
  expect(turns).toEqual([]);
  while (turns.length < 2) await Bun.sleep(5);
  expect(turns).toEqual(['first', 'again']);
  quiet.touch();
  while (turns.length < 3) await Bun.sleep(5);
  expect(turns).toEqual(['first', 'again', 'first']);
  quiet.close();
});
