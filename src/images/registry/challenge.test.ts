import { expect, test } from 'bun:test';
import { parseChallenges } from './challenge.ts';

test.each([
  ['Basic realm="Registry Realm"', [{ scheme: 'basic', parameters: { realm: 'Registry Realm' } }]],
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/busybox:pull"',
    [
      {
        scheme: 'bearer',
        parameters: {
          realm: 'https://auth.docker.io/token',
          service: 'registry.docker.io',
          scope: 'repository:library/busybox:pull',
        },
      },
    ],
  ],
  [
    'Basic realm="a \\"b\\", c", Bearer REALM=x , service = y',
    [
      { scheme: 'basic', parameters: { realm: 'a "b", c' } },
      { scheme: 'bearer', parameters: { realm: 'x', service: 'y' } },
    ],
  ],
  ['Negotiate', [{ scheme: 'negotiate', parameters: {} }]],
  ['', []],
  ['realm="no scheme"', []],
])('reads %p', (header, challenges) => {
  expect(parseChallenges(header).map((each) => ({ ...each, parameters: { ...each.parameters } }))).toEqual(challenges);
});
