import { expect, test } from 'bun:test';
import {
  allCapabilities,
  computeCapabilities,
  defaultCapabilities,
  namesOfCapabilities,
  parseCapabilities,
} from './capabilities.ts';

test('the default set is the fourteen of docker, by bit', () => {
  expect(namesOfCapabilities('a80425fb').toSorted()).toEqual([...defaultCapabilities]);
  expect(allCapabilities.length).toBe(41);
  expect(namesOfCapabilities('1fffffffffff')).toEqual(allCapabilities);
});

test('retain is exactly its list, remove the default without its list', () => {
  expect(computeCapabilities({ kind: 'retain', set: ['CAP_SYS_TIME', 'CAP_KILL', 'CAP_KILL'] })).toEqual([
    'CAP_KILL',
    'CAP_SYS_TIME',
  ]);
  expect(computeCapabilities({ kind: 'remove', set: [...defaultCapabilities, 'CAP_BPF'] })).toEqual([]);
  expect(computeCapabilities({ kind: 'default' })).toBe(defaultCapabilities);
});

test('an unknown name is refused', () => {
  expect(parseCapabilities('CAP_KILL,CAP_BPF')).toEqual(['CAP_KILL', 'CAP_BPF']);
  expect(() => parseCapabilities('CAP_KILL,kill')).toThrow('capability "kill": unknown, wanted CAP_NAME');
});
