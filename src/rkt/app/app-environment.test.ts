import { expect, test } from 'bun:test';
import { completeEnvironment, computeEnvironment, parseSetEnv } from './app-environment.ts';

const nothing = { image: [], inherited: {}, app: new Map<string, string>(), pod: new Map<string, string>() };

test('later sources win: caller, image, pod, app', () => {
  const environment = computeEnvironment({
    inherited: { A: 'caller', B: 'caller', C: 'caller', D: 'caller', 'BASH_FUNC_x%%': 'dropped' },
    image: ['B=image', 'C=image=1', 'D=image', 'dropped'],
    pod: new Map([
      ['C', 'pod'],
      ['D', 'pod'],
    ]),
    app: new Map([['D', 'app']]),
  });
  expect(environment.map(({ name, value }) => `${name}=${value}`)).toEqual(['A=caller', 'B=image', 'C=pod', 'D=app']);
});

test('a name that no shell could set is refused on the command line', () => {
  expect(() => computeEnvironment({ ...nothing, app: new Map([['a b', 'c']]) })).toThrow(
    'environment variable name "a b" is not valid',
  );
  expect(() => computeEnvironment({ ...nothing, pod: new Map([['1', 'c']]) })).toThrow('name "1" is not valid');
});

test('an image may use any name that the kernel passes on', () => {
  const image = ['a b=c', '1=one', 'spring.config/x=y', 'ä=ö'];
  expect(computeEnvironment({ ...nothing, image }).map(({ name, value }) => `${name}=${value}`)).toEqual(image);
});

test('what is missing is added, and the app’s name cannot be forged', () => {
  const entries = [
    { name: 'PATH', value: '/bin' },
    { name: 'AC_APP_NAME', value: 'forged' },
  ];
  expect(completeEnvironment('web', entries, '/home/web')).toEqual([
    'PATH=/bin',
    'SHELL=/bin/sh',
    'USER=root',
    'LOGNAME=root',
    'HOME=/home/web',
    'AC_APP_NAME=web',
  ]);
});

test('--set-env', () => {
  expect([...parseSetEnv(['A=1', 'B=x=y'], [])]).toEqual([
    ['A', '1'],
    ['B', 'x=y'],
  ]);
  expect(() => parseSetEnv(['A=1', 'A=2'], [])).toThrow('key "A" already set');
  expect(() => parseSetEnv(['A'], [])).toThrow('must be specified as key=value');
  expect(() => parseSetEnv([], ['/not/there'])).toThrow('open /not/there');
});
