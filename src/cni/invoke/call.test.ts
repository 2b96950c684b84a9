import { expect, test } from 'bun:test';
import { findPlugin, parseCniError, parseCniResult } from './call.ts';

test('both result shapes give the first IPv4 address', () => {
  const old = '{"ip4":{"ip":"172.16.28.2/24","gateway":"172.16.28.1"},"dns":{"nameservers":["1.2.3.4"]}}';
  expect(parseCniResult('p', old)).toEqual({
    ip4: '172.16.28.2/24',
    gateway: '172.16.28.1',
    dns: { nameservers: ['1.2.3.4'], domain: undefined, search: [], options: [] },
    json: old,
  });
  const recent =
    '{"cniVersion":"1.0.0","ips":[{"address":"fd00::2/64"},{"address":"192.168.0.0/32","gateway":"10.0.0.1"}],"dns":{}}';
  expect(parseCniResult('p', recent)).toEqual({
    ip4: '192.168.0.0/32',
    gateway: '10.0.0.1',
    dns: undefined,
    json: recent,
  });
});

test('a result without addresses, and no result', () => {
  expect(parseCniResult('p', '{}').ip4).toBeUndefined();
  expect(parseCniResult('p', '\n')).toEqual({ ip4: undefined, gateway: undefined, dns: undefined, json: '{}' });
});

test.each([
  ['{"ip4":{"ip":"x"}}', 'result of plugin "p": ip4.ip: found "x", wanted an address with a prefix length'],
  ['nonsense', 'result of plugin "p": is not JSON'],
])('%s is refused', (json, message) => {
  expect(() => parseCniResult('p', json)).toThrow(message);
});

test.each([
  ['{"code":11,"msg":"m","details":"d"}', 'unavailable', 'm; d'],
  ['{"code":4,"msg":"m"}', 'invalid', 'm'],
  ['{"code":7,"msg":"m"}', 'invalid', 'm'],
  ['panic\n', 'unavailable', 'netplugin failed but error parsing its diagnostic message "panic"'],
] as const)('the error %j is %s', (printed, code, message) => {
  expect(parseCniError(printed)).toMatchObject({ code, message });
});

test('a plugin that is nowhere', () => {
  expect(() => findPlugin('nope', ['/nonexistent', '/nowhere'])).toThrow(
    'Could not find plugin "nope": install it in one of /nonexistent, /nowhere',
  );
});
