import { expect, test } from 'bun:test';
import { createRequestLog } from './request-log.ts';

test('a request is one short line, whatever its path is', () => {
  const lines: string[] = [];
  const log = createRequestLog((line) => lines.push(line));
  log.add({ method: 'GET' }, `/a\nmetadata-service: forged\u001b[2J${'x'.repeat(1000)}`, 404, 'pod');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toStartWith('GET /a\\nmetadata-service: forged\\x1b[2Jxxx');
  expect(lines[0]?.length).toBeLessThan(300);
});

test('a flood of requests is twenty lines a second and a count', () => {
  const lines: string[] = [];
  let now = 5000;
  const log = createRequestLog(
    (line) => lines.push(line),
    () => now,
  );
  for (let count = 0; count < 1000; count++) log.add({ method: 'GET' }, '/', 200, 'pod');
  expect(lines).toHaveLength(20);
  now += 1000;
  log.add({ method: 'GET' }, '/', 200, 'pod');
  expect(lines.slice(20)).toEqual(['980 more requests within a second', 'GET / - 200 (pod)']);
});
