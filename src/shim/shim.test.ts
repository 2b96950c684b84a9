import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createQueue } from '../sys/queue.ts';
import { clearCall, listCalls, saveCall, tryLoadCall } from './deferred-calls.ts';
import { parseWireRequest, printWireAnswer } from './wire.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

test('a request of the shim', () => {
  expect(
    parseWireRequest(bytes('calico\0' + '7\0CNI_COMMAND=ADD\0CNI_ARGS=IP=10.0.0.1\0CNI_PATH=\0\0{"name":"ü\0"}')),
  ).toEqual({
    call: {
      program: 'calico',
      variables: { CNI_COMMAND: 'ADD', CNI_ARGS: 'IP=10.0.0.1', CNI_PATH: '' },
      input: '{"name":"ü\0"}',
    },
    netns: { kind: 'descriptor', fd: 7 },
  });
  expect(parseWireRequest(bytes('calico-ipam\0\0\0'))).toEqual({
    call: { program: 'calico-ipam', variables: {}, input: '' },
    netns: { kind: 'none' },
  });
  expect(parseWireRequest(bytes('calico\0-2\0\0')).netns).toEqual({ kind: 'failed', errno: 2 });
});

test.each([
  ['', 'it ends inside its header'],
  ['calico', 'it ends inside its header'],
  ['calico\0\0CNI_COMMAND=ADD\0', 'it ends inside its header'],
  ['calico\0x\0\0', 'netns "x" is not a number'],
])('%j is no request', (text, message) => {
  expect(() => parseWireRequest(bytes(text))).toThrow(message);
});

test('an answer is its status and its output', () => {
  expect([...printWireAnswer({ status: 1, output: 'é' })]).toEqual([1, 0xc3, 0xa9]);
});

test('a queue runs one thing at a time for each name, failures included', async () => {
  const queue = createQueue();
  const events: string[] = [];
  const step = (name: string, label: string, fails = false) =>
    queue.run(name, async () => {
      events.push(`${label} begins`);
      await Bun.sleep(2);
      events.push(`${label} ends`);
      if (fails) throw new Error(label);
      return label;
    });
  const results = await Promise.allSettled([step('x', '1', true), step('x', '2'), step('y', '3'), step('x', '4')]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
  expect(events.filter((event) => !event.startsWith('3'))).toEqual(
    ['1', '2', '4'].flatMap((n) => [`${n} begins`, `${n} ends`]),
  );
  expect(events.indexOf('3 begins')).toBeLessThan(events.indexOf('2 begins'));
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocitest-pending-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('unfinished calls: kept, found by name, forgotten; what is damaged goes', () => {
  const call = { program: 'calico', variables: { CNI_COMMAND: 'DEL', CNI_CONTAINERID: 'c1' }, input: '{}' };
  const pending = join(folder, 'pending');
  expect([tryLoadCall(pending, 'a'), listCalls(pending)]).toEqual([undefined, []]);
  saveCall(pending, 'a', call);
  saveCall(pending, 'a', call);
  expect(statSync(join(pending, 'a.json')).mode & 0o777).toBe(0o600);
  writeFileSync(join(pending, 'b.json'), '{"program":');
  writeFileSync(join(pending, 'c.json.new'), 'half');
  expect(listCalls(pending)).toEqual([['a', call]]);
  expect(readdirSync(pending).sort()).toEqual(['a.json', 'c.json.new']);
  clearCall(pending, 'a');
  clearCall(pending, 'a');
  expect(tryLoadCall(pending, 'a')).toBeUndefined();
});
