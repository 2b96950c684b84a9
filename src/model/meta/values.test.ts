import { expect, test } from 'bun:test';
import type { ScalarShape } from '../../schema/schema.ts';
import { community, peerAddress, tryParsePeerAddress } from '../bgp/bgp-values.ts';
import { formatFloat, formatLabels, joinItems } from './cells.ts';
import { duration } from './duration.ts';
import {
  annotationKey,
  containerId,
  endpointPortName,
  interfaceName,
  labelKey,
  labelValue,
  policyName,
  resourceName,
} from './names.ts';
import { ruleNamespaceSelector, selector } from './selectors.ts';
import {
  asNumber,
  cidr,
  cidrOrIp,
  dscp,
  interfaceCidr,
  ip,
  ipv4,
  ipv6,
  mac,
  maskedCidr,
  portRange,
  protocol,
  rulePort,
} from './values.ts';

const refused = undefined;

const shapes = {
  annotationKey,
  asNumber,
  cidr,
  cidrOrIp,
  community,
  containerId,
  dscp,
  duration,
  endpointPortName,
  interfaceCidr,
  interfaceName,
  ip,
  ipv4,
  ipv6,
  labelKey,
  labelValue,
  mac,
  maskedCidr,
  peerAddress,
  policyName,
  portRange,
  protocol,
  resourceName,
  ruleNamespaceSelector,
  rulePort,
  selector,
} satisfies Record<string, ScalarShape>;

test.each<[keyof typeof shapes, unknown, unknown]>([
  ['ip', '10.0.0.1', '10.0.0.1'],
  ['ip', 'FD00:0::1', 'fd00::1'],
  ['ip', '10.0.0.1/32', refused],
  ['ip', '10.0.0.01', refused],
  ['ip', 1, refused],
  ['ipv4', 'fd00::1', refused],
  ['ipv6', 'fd00::1', 'fd00::1'],
  ['ipv6', '10.0.0.1', refused],
  ['cidr', '10.0.0.1/8', '10.0.0.1/8'],
  ['cidr', '10.0.0.1', refused],
  ['maskedCidr', '10.0.0.0/8', '10.0.0.0/8'],
  ['maskedCidr', '10.0.0.1/8', refused],
  ['maskedCidr', '10.0.0.0/33', refused],
  ['cidrOrIp', '10.0.0.1', '10.0.0.1'],
  ['cidrOrIp', '10.0.0.1/24', '10.0.0.1/24'],
  ['interfaceCidr', '10.0.0.1', '10.0.0.1/32'],
  ['interfaceCidr', 'fd00::1', 'fd00::1/128'],
  ['mac', 'CA-FE-1D-52-BB-E9', 'ca:fe:1d:52:bb:e9'],
  ['mac', 'ca:fe:1d:52:bb', refused],
  ['rulePort', 80, 80],
  ['rulePort', '80', 80],
  ['rulePort', '80:80', 80],
  ['rulePort', '8000:8010', '8000:8010'],
  ['rulePort', 'http', 'http'],
  ['rulePort', 0, refused],
  ['rulePort', '0:5', refused],
  ['rulePort', '9:5', refused],
  ['rulePort', 65536, refused],
  ['rulePort', '70000', refused],
  ['rulePort', 1.5, refused],
  ['rulePort', 'a b', refused],
  ['portRange', '1', 1],
  ['portRange', '0', refused],
  ['portRange', '0:80', refused],
  ['portRange', '30000:32767', '30000:32767'],
  ['portRange', 'http', refused],
  ['protocol', 'tcp', 'TCP'],
  ['protocol', 'UDPLite', 'UDPLite'],
  ['protocol', '17', 17],
  ['protocol', 17, 17],
  ['protocol', 0, refused],
  ['protocol', 256, refused],
  ['protocol', 'x', refused],
  ['asNumber', 64512, 64512],
  ['asNumber', '64512', 64512],
  ['asNumber', '1.1', 65537],
  ['asNumber', '65535.65535', 4294967295],
  ['asNumber', '65536.1', refused],
  ['asNumber', 4294967296, refused],
  ['asNumber', -1, refused],
  ['asNumber', '1.2.3', refused],
  ['dscp', 'ef', 'EF'],
  ['dscp', '20', 20],
  ['dscp', 64, refused],
  ['dscp', 'AF44', refused],
  ['community', '65001:100', '65001:100'],
  ['community', '65536:1', refused],
  ['community', '4294967295:1:2', '4294967295:1:2'],
  ['community', '1:2:3:4', refused],
  ['community', '01:2', refused],
  ['peerAddress', '10.0.0.1', '10.0.0.1'],
  ['peerAddress', '10.0.0.1:180', '10.0.0.1:180'],
  ['peerAddress', '[FD00::1]:180', '[fd00::1]:180'],
  ['peerAddress', 'fd00::1', 'fd00::1'],
  ['peerAddress', '10.0.0.1:0', refused],
  ['peerAddress', '10.0.0.1:70000', refused],
  ['peerAddress', 'host:180', refused],
  ['duration', '90s', '1m30s'],
  ['duration', '1.5h', '1h30m0s'],
  ['duration', '0', '0s'],
  ['duration', '100ms', '100ms'],
  ['duration', '1500us', '1.5ms'],
  ['duration', '-5s', '-5s'],
  ['duration', '5', refused],
  ['duration', '', refused],
  ['duration', 's', refused],
  ['duration', '9999999999h', refused],
  ['resourceName', 'a-b.c', 'a-b.c'],
  ['resourceName', 'A', refused],
  ['resourceName', '-a', refused],
  ['resourceName', 'a'.repeat(254), refused],
  ['policyName', 'security.web', 'security.web'],
  ['policyName', 'a.b.c', refused],
  ['policyName', 'knp.default.a.b', 'knp.default.a.b'],
  ['labelKey', 'projectcalico.org/namespace', 'projectcalico.org/namespace'],
  ['labelKey', 'A_b.c', 'A_b.c'],
  ['labelKey', 'a/b/c', refused],
  ['labelKey', '', refused],
  ['labelValue', '', ''],
  ['labelValue', 'a b', refused],
  ['annotationKey', 'Example.com/A', 'Example.com/A'],
  ['interfaceName', 'cali0123456789a', 'cali0123456789a'],
  ['interfaceName', 'cali0123456789ab', refused],
  ['containerId', 'c-1', 'c-1'],
  ['containerId', 'c_1', refused],
  ['endpointPortName', 'http-2', 'http-2'],
  ['endpointPortName', '80', refused],
  ['endpointPortName', 'a--b', refused],
  ['selector', "a == 'b'", "a == 'b'"],
  ['selector', 'a == b', refused],
  ['selector', "a == 'b' || global()", refused],
  ['selector', `a == '${'b'.repeat(1024)}'`, refused],
  ['ruleNamespaceSelector', 'global()', 'global()'],
  ['ruleNamespaceSelector', '!global()', refused],
])('%s reads %p', (name, value, expected) => {
  expect(shapes[name].read(value)).toEqual(expected);
});

test('a selector that is refused says where and why', () => {
  expect(selector.explain?.('a == b')).toMatch(/^a selector such as role == 'web'; .*"a == b"/);
  expect(selector.explain?.('global()')).toBe("a selector such as role == 'web', without global()");
  expect(ruleNamespaceSelector.explain?.('!global()')).toBe('global() alone or not at all');
});

test('a peer address has its parts', () => {
  expect(tryParsePeerAddress('[fd00::1]:180')).toEqual({ address: 'fd00::1', port: 180 });
  expect(tryParsePeerAddress('10.0.0.1')).toEqual({ address: '10.0.0.1', port: undefined });
});

test.each<[number, string]>([
  [0, '0'],
  [1000, '1000'],
  [999999, '999999'],
  [1000000, '1e+06'],
  [1234567, '1.234567e+06'],
  [2.5, '2.5'],
  [0.00001, '1e-05'],
  [-10, '-10'],
])('number cell %p', (value, expected) => {
  expect(formatFloat(value)).toBe(expected);
});

test('cells of lists and labels', () => {
  expect(formatLabels({ b: '', a: '1' })).toBe('a=1,b=');
  expect(joinItems(['a', 'b'])).toBe('a,b');
  expect(joinItems(['abcdef', 'ghi'], 8)).toBe('abcde...');
});
