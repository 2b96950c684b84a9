import { expect, test } from 'bun:test';
import { openLog } from '../../sys/log.ts';
import type { Thread } from '../../sys/netns.ts';
import { createThreadJudge } from './threads.ts';

const helper: Thread = { id: 12, name: 'HeapHelper', isMain: false };
const pool: Thread = { id: 13, name: 'Bun Pool 0', isMain: false };
const main: Thread = { id: 10, name: 'calico-node', isMain: true };

test('only a lost main thread ends the agent; others are reported once while they stay', () => {
  const lines: string[] = [];
  const judge = createThreadJudge(openLog((line) => lines.push(line.replace(/^\S+ /, ''))));
  const looks = [[], [helper], [helper, pool], [pool], [], [helper], [main]].map(judge);
  expect(looks).toEqual(['fine', 'fine', 'fine', 'fine', 'fine', 'fine', 'lost']);
  expect(`${lines.join('\n')}\n`).toBe(`WARN thread 12 (HeapHelper) is in another network namespace and keeps it alive
WARN thread 13 (Bun Pool 0) is in another network namespace and keeps it alive
WARN thread 12 (HeapHelper) is in another network namespace and keeps it alive
WARN thread 10 (calico-node) is in another network namespace and keeps it alive
`);
});
