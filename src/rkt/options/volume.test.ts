import { expect, test } from 'bun:test';
import { describeError } from '../../base/errors.ts';
import { cleanTarget, parseMount, parseVolume } from './volume.ts';

test('a host volume', () => {
  expect(parseVolume('data,kind=host,source=/srv/a%2Cb,readOnly=true,recursive=false')).toEqual({
    kind: 'host',
    name: 'data',
    source: '/srv/a,b',
    readOnly: true,
    recursive: false,
  });
});

test('an empty volume', () => {
  expect(parseVolume('tmp,kind=empty,mode=1777,uid=9991,gid=9992')).toEqual({
    kind: 'empty',
    name: 'tmp',
    readOnly: undefined,
    mode: 0o1777,
    uid: 9991,
    gid: 9992,
  });
});

test.each([
  ['a', 'unrecognized volume kind: should be one of "empty", "host"'],
  ['a,kind=disk', 'unrecognized volume kind: should be one of "empty", "host"'],
  ['a,kind=host', 'source for host volume cannot be empty'],
  ['a,kind=host,source=b', 'source for host volume must be absolute path'],
  ['a,kind=host,source=/b,mode=0755', 'mode for host volume cannot be set'],
  ['a,kind=host,source=/b,uid=1', 'uid for host volume cannot be set'],
  ['a,kind=empty,source=/b', 'source for empty volume must be empty'],
  ['a,kind=empty,colour=red', 'unknown volume parameter "colour"'],
  ['a,kind=empty,mode=99', 'mode "99" is not a number from 0 to 7777'],
  ['a,kind=host,source=/b,readOnly=x', 'strconv.ParseBool: parsing "x": invalid syntax'],
  ['A b,kind=empty', 'volume name "A b" is not a valid name'],
])('--volume=%s is refused', (text, reason) => {
  let message = '';
  try {
    parseVolume(text);
  } catch (error) {
    message = describeError(error);
  }
  expect(message).toBe(`invalid value in --volume flag "${text}": ${reason}`);
});

test('a mount', () => {
  expect(parseMount('volume=data,target=/var/lib')).toEqual({ volume: 'data', path: '/var/lib' });
  expect(() => parseMount('volume=data,target=/a,mode=1')).toThrow('unknown mount parameter "mode"');
  expect(() => parseMount('volume=data')).toThrow('target is missing');
});

test.each([
  ['a/b/', '/a/b'],
  ['/a/../b//c', '/b/c'],
  ['../..', '/'],
])('target %s is %s', (path, clean) => {
  expect(cleanTarget(path)).toBe(clean);
});
