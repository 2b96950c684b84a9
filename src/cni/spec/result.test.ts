import { expect, test } from 'bun:test';
import { OcicatError } from '../../base/errors.ts';
import { parseJson } from '../../base/json.ts';
import { parseCidr } from '../../net/cidr.ts';
import { parseIp } from '../../net/ip.ts';
import { printCniError, toCniError } from './error.ts';
import { tryParseResult } from './parse-result.ts';
import { type CniResult, printResult } from './result.ts';
import { type CniVersion, printVersions } from './version.ts';

const result: CniResult = {
  interfaces: [
    { name: 'calic100' },
    { name: 'eth0', mac: 'fa:38:2b:ca:ef:be', mtuBytes: 1440, sandbox: '/run/netns/c' },
  ],
  addresses: [
    { address: parseCidr('192.168.119.6/32'), interface: 1 },
    { address: parseCidr('fd80::7700/128'), interface: 1 },
  ],
  routes: [{ destination: parseCidr('192.168.119.6/26') }, { destination: parseCidr('fd80::7700/122') }],
  dns: {},
};

const OLD = (version: string) => `{
    "cniVersion": "${version}",
    "ip4": {
        "ip": "192.168.119.6/32",
        "routes": [
            {
                "dst": "192.168.119.6/26"
            }
        ]
    },
    "ip6": {
        "ip": "fd80::7700/128",
        "routes": [
            {
                "dst": "fd80::7700/122"
            }
        ]
    },
    "dns": {}
}`;

const MIDDLE = (version: string) => `{
    "cniVersion": "${version}",
    "interfaces": [
        {
            "name": "calic100"
        },
        {
            "name": "eth0",
            "mac": "fa:38:2b:ca:ef:be",
            "sandbox": "/run/netns/c"
        }
    ],
    "ips": [
        {
            "version": "4",
            "interface": 1,
            "address": "192.168.119.6/32"
        },
        {
            "version": "6",
            "interface": 1,
            "address": "fd80::7700/128"
        }
    ],
    "routes": [
        {
            "dst": "192.168.119.6/26"
        },
        {
            "dst": "fd80::7700/122"
        }
    ],
    "dns": {}
}`;

const NEW = (version: string) => `{
    "cniVersion": "${version}",
    "interfaces": [
        {
            "name": "calic100"
        },
        {
            "mac": "fa:38:2b:ca:ef:be",
            "mtu": 1440,
            "name": "eth0",
            "sandbox": "/run/netns/c"
        }
    ],
    "ips": [
        {
            "address": "192.168.119.6/32",
            "interface": 1
        },
        {
            "address": "fd80::7700/128",
            "interface": 1
        }
    ],
    "routes": [
        {
            "dst": "192.168.119.6/26"
        },
        {
            "dst": "fd80::7700/122"
        }
    ]
}`;

const shapes: readonly (readonly [CniVersion, string])[] = [
  ['0.1.0', OLD('0.1.0')],
  ['0.2.0', OLD('0.2.0')],
  ['0.3.0', MIDDLE('0.3.0')],
  ['0.3.1', MIDDLE('0.3.1')],
  ['0.4.0', MIDDLE('0.4.0')],
  ['1.0.0', NEW('1.0.0')],
  ['1.1.0', NEW('1.1.0')],
];

test.each(shapes)('a result of version %s is printed as Calico prints it', (version, text) => {
  expect(printResult(result, version)).toBe(text);
});

test.each(shapes)('a result of version %s is read again', (version, text) => {
  const read = tryParseResult(parseJson(text));
  expect(read?.addresses.map(({ address }) => address)).toEqual(result.addresses.map(({ address }) => address));
  expect(read?.routes).toEqual(result.routes.map(({ destination }) => ({ destination, gateway: undefined })));
  expect(printResult(read ?? result, version)).toBe(text);
});

test("another plugin's gateways and name servers are kept", () => {
  const text =
    '{"ip4":{"ip":"10.1.0.5/24","gateway":"10.1.0.1","routes":[{"dst":"0.0.0.0/0","gw":"10.1.0.1"}]},"dns":{"nameservers":["10.1.0.1"]}}';
  expect(tryParseResult(parseJson(text))).toEqual({
    interfaces: [],
    addresses: [{ address: parseCidr('10.1.0.5/24'), gateway: parseIp('10.1.0.1'), interface: undefined }],
    routes: [{ destination: parseCidr('0.0.0.0/0'), gateway: parseIp('10.1.0.1') }],
    dns: { nameservers: ['10.1.0.1'] },
  });
});

test('what plugins of CNI 1.1 say of interfaces and routes is passed on', () => {
  const text = JSON.stringify(
    {
      cniVersion: '1.1.0',
      interfaces: [{ name: 'net1', pciID: '0000:04:00.5', socketPath: '/run/vhost.sock' }],
      routes: [{ dst: '10.0.0.0/8', gw: '10.1.0.1', mtu: 1400, advmss: 1360, priority: 7, table: 100, scope: 253 }],
    },
    null,
    4,
  );
  expect(printResult(tryParseResult(parseJson(text)) ?? result, '1.1.0')).toBe(text);
});

test.each(['null', '[]', '{"ips":[{"address":"10.0.0.1"}]}', '{"ip4":{"ip":"x"}}', '{"interfaces":[{}]}'])(
  '%s is no result',
  (text) => {
    expect(tryParseResult(parseJson(text))).toBeUndefined();
  },
);

test('errors carry a code that tells what another try is worth', () => {
  const codes = (
    ['not-ready', 'unavailable', 'conflict', 'invalid', 'unsupported', 'exhausted', 'kernel', 'internal'] as const
  ).map((code) => [code, toCniError(new OcicatError(code, 'x')).code]);
  expect(codes).toEqual([
    ['not-ready', 11],
    ['unavailable', 11],
    ['conflict', 11],
    ['invalid', 7],
    ['unsupported', 2],
    ['exhausted', 999],
    ['kernel', 999],
    ['internal', 999],
  ]);
  const issues = [{ path: 'a', found: '1', wanted: '2' }];
  const cause = new Error('why');
  expect(printCniError(toCniError(new OcicatError('kernel', 'do "it": no', { cause, issues }), '0.4.0'))).toBe(`{
    "cniVersion": "0.4.0",
    "code": 999,
    "msg": "do \\"it\\": no: why",
    "details": "a: found 1, wanted 2"
}`);
});

test('the versions that are spoken', () => {
  expect(printVersions()).toBe(
    '{"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}',
  );
});
