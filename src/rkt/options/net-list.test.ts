import { expect, test } from 'bun:test';
import { type NetList, parseNetList } from './net-list.ts';

const plain = (name: string) => ({ name, args: '' });

test.each<[readonly string[], NetList]>([
  [[], { kind: 'networks', named: [plain('default')] }],
  [['default'], { kind: 'networks', named: [plain('default')] }],
  [['default-restricted'], { kind: 'networks', named: [plain('default-restricted')] }],
  [['a'], { kind: 'networks', named: [plain('a'), plain('default-restricted')] }],
  [['a,default'], { kind: 'networks', named: [plain('a'), plain('default')] }],
  [
    ['network1:IP=192.168.0.0;X=1', 'b'],
    {
      kind: 'networks',
      named: [{ name: 'network1', args: 'IP=192.168.0.0;X=1' }, plain('b'), plain('default-restricted')],
    },
  ],
  [
    ['network1:IP=192.168.0.0;LABELS=app=web,tier=front,default', 'b'],
    {
      kind: 'networks',
      named: [{ name: 'network1', args: 'IP=192.168.0.0;LABELS=app=web,tier=front' }, plain('default'), plain('b')],
    },
  ],
  [['a,b=c'], { kind: 'networks', named: [plain('a'), plain('b=c'), plain('default-restricted')] }],
  [
    ['a:IP=fd00::1;X=1'],
    { kind: 'networks', named: [{ name: 'a', args: 'IP=fd00::1;X=1' }, plain('default-restricted')] },
  ],
  [['a,host'], { kind: 'host' }],
  [['none,a'], { kind: 'none' }],
  [['all,a:IP=1.2.3.4'], { kind: 'all', named: [{ name: 'a', args: 'IP=1.2.3.4' }] }],
])('--net %j', (values, expected) => {
  expect(parseNetList(values)).toEqual(expected);
});

test.each([
  ['a,', 'netname must not be empty'],
  [':x', 'netname must not be empty'],
  ['a:b:c', 'network "a" provided with invalid arguments: [b c]'],
  ['a::IP=1.2.3.4', 'network "a" provided with invalid arguments: [ IP=1.2.3.4]'],
  ['a,a', 'found duplicate netname "a"'],
  ['host:x=1', 'arguments are not supported by special netname "host"'],
  ['all:x=1', 'arguments are not supported by special netname "all"'],
])('--net=%s is refused', (value, message) => {
  expect(() => parseNetList([value])).toThrow(message);
});
