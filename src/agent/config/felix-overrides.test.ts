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
