// What this host alone says about the firewall, as Felix reads it: variables before the file.
import { expect, test } from 'bun:test';
import { formatIssue, isOcicatError } from '../../base/errors.ts';
import { parseFelixOverrides } from './felix-overrides.ts';

const FILE = `
# of this host
[global]
DefaultEndpointToHostAction = ACCEPT
VXLANPort: 8472
; names in any case
allowvxlanpacketsfromworkloads = yes
MetadataPortRange = 5
HealthEnabled = true
`;

test('the file, in any case, with comments and sections', () => {
  expect(parseFelixOverrides({ HOME: '/root' }, FILE)).toEqual({
    spec: {
      defaultEndpointToHostAction: 'Accept',
      vxlanPort: 8472,
      allowVXLANPacketsFromWorkloads: true,
      healthEnabled: true,
    },
    idle: ['MetadataPortRange', 'HealthEnabled'],
  });
});

test('variables go before the file', () => {
  const environment = { FELIX_VXLANPORT: ' 4790\n', FELIX_LogPrefix: 'mine', FELIX_DATASTORETYPE: 'etcdv3' };
  expect(parseFelixOverrides(environment, 'VXLANPort=1')).toEqual({
    spec: { logPrefix: 'mine', vxlanPort: 4790 },
    idle: ['DATASTORETYPE'],
  });
});

test('names and forms of parameters that are not those of the fields', () => {
  const environment = {
    ...{
      FELIX_ReportingIntervalSecs: '5',
      FELIX_ExternalNodesCIDRList: '192.0.2.1, 10.0.0.0/8',
      FELIX_FLOATINGIPS: 'enabled',
    },
    ...{ FELIX_NATPORTRANGE: '1024:2000', FELIX_NATOUTGOINGADDRESS: 'none', FELIX_ENDPOINTREPORTINGENABLED: 'TRUE' },
  };
  expect(parseFelixOverrides(environment, 'NATOutgoingAddress = 192.0.2.7\nReportingTTLSecs = 20')).toEqual({
    spec: {
      ...{ reportingInterval: '5s', reportingTTL: '20s', externalNodesList: ['192.0.2.1', '10.0.0.0/8'] },
      ...{ floatingIPs: 'Enabled', natPortRange: '1024:2000', endpointReportingEnabled: true },
    },
    idle: [],
  });
});

test('nothing said', () => {
  expect(parseFelixOverrides({}, undefined)).toEqual({ spec: {}, idle: [] });
});

test('every issue is named', () => {
  const refused = () =>
    parseFelixOverrides({ FELIX_VXLANPORT: 'high' }, 'DefaultEndpointToHostAction = maybe\nno value\n');
  expect(refused).toThrow('read Felix settings: refused');
  try {
    refused();
  } catch (error) {
    if (!isOcicatError(error)) throw error;
    expect(error.issues.map(formatIssue)).toEqual([
      'line 2: found "no value", wanted Name = value',
      'defaultEndpointToHostAction: found "maybe", wanted one of Drop, Accept, Return',
      'vxlanPort: found "high", wanted a whole number from 0 to 65535',
    ]);
  }
});

test.each([
  ['none', []],
  [
    'tcp:22, udp:68',
    [
      { protocol: 'TCP', port: 22 },
      { protocol: 'UDP', port: 68 },
    ],
  ],
  ['2222', [{ protocol: 'TCP', port: 2222 }]],
  [
    'udp:10.0.0.0/8:68,TCP:[fd00::/8]:22',
    [
      { protocol: 'UDP', port: 68, net: '10.0.0.0/8' },
      { protocol: 'TCP', port: 22, net: 'fd00::/8' },
    ],
  ],
])('failsafe ports %s', (text, expected) => {
  const { spec } = parseFelixOverrides({ FELIX_FAILSAFEINBOUNDHOSTPORTS: text }, undefined);
  expect<unknown>(spec.failsafeInboundHostPorts).toEqual(expected);
});

test.each(['icmp:1', 'tcp:22:10.0.0.0/8', 'tcp:99999', ''])('failsafe ports %j are refused', (text) => {
  expect(() => parseFelixOverrides({ FELIX_FAILSAFEINBOUNDHOSTPORTS: text }, undefined)).toThrow();
});
