import { expect, test } from 'bun:test';
import { parseCidr } from '../../net/cidr.ts';
import { formatIp, parseIp } from '../../net/ip.ts';
import { dnsOf, parseResult } from './parse-result.ts';

test('both shapes of a result give addresses and gateways', () => {
  const old = '{"ip4":{"ip":"172.16.28.2/24","gateway":"172.16.28.1"},"dns":{"nameservers":["1.2.3.4"]}}';
  expect(parseResult('p', old)).toEqual({
    interfaces: [],
    addresses: [{ address: parseCidr('172.16.28.2/24'), gateway: parseIp('172.16.28.1'), interface: undefined }],
    routes: [],
    dns: { nameservers: ['1.2.3.4'] },
  });
  const recent =
    '{"cniVersion":"1.0.0","ips":[{"address":"fd00::2/64"},{"address":"192.168.0.0/32","gateway":"10.0.0.1"}],"dns":{}}';
  const { addresses } = parseResult('p', recent);
  expect(addresses.map(({ address }) => formatIp(address.address))).toEqual(['fd00::2', '192.168.0.0']);
});

test('a result without addresses, and no result', () => {
  const empty = { interfaces: [], addresses: [], routes: [], dns: {} };
  expect([parseResult('p', '{}'), parseResult('p', '\n')]).toEqual([empty, empty]);
});

test('name servers and the like, if there are any', () => {
  const dns = (text: string) => dnsOf(parseResult('p', `{"dns":${text}}`));
  expect(dns('{"nameservers":["1.2.3.4"]}')).toEqual({
    nameservers: ['1.2.3.4'],
    domain: undefined,
    search: [],
    options: [],
  });
  expect([dns('{}'), dns('{"domain":"","search":[]}'), dns('null')]).toEqual([undefined, undefined, undefined]);
});

test.each([
  ['{"ip4":{"ip":"x"}}', 'result of plugin "p": ip4.ip: found "x", wanted an address with a prefix length'],
  ['{"ips":[{}]}', 'result of plugin "p": ips[0].address: found nothing, wanted an address with a prefix length'],
  ['{"interfaces":[{"mac":1}]}', 'result of plugin "p": interfaces[0].name: found nothing, wanted a text'],
  ['{"dns":{"search":["a",1]}}', 'result of plugin "p": dns.search[1]: found 1, wanted a text'],
  ['nonsense', 'result of plugin "p": is not JSON'],
])('%s is refused', (json, message) => {
  expect(() => parseResult('p', json)).toThrow(message);
});
