import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { findInterpreter } from './interpreter.ts';

test.each([
  ['#!/bin/sh\necho', '/bin/sh'],
  ['#! /usr/bin/env  python3\n', '/usr/bin/env'],
  ['#!/bin/sh', '/bin/sh'],
  ['#!\n', undefined],
  ['plain', undefined],
  ['', undefined],
  ['\x7fELF\x02', undefined],
])('%j', (head, interpreter) => {
  expect(findInterpreter(Buffer.from(head, 'latin1'))).toBe(interpreter);
});

test('the loader of a dynamic program, and none of a static one', () => {
  expect(findInterpreter(readFileSync('/usr/bin/env').subarray(0, 4096))).toMatch(/^\/lib.*\/ld-.*\.so/);
  expect(findInterpreter(readFileSync('/bin/busybox').subarray(0, 4096))).toBeUndefined();
});
