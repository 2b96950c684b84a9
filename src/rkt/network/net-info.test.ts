import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatMask, formatNetworks, type NetInfo, readNetInfo, writeNetInfo } from './net-info.ts';

const info: NetInfo = {
  netName: 'network1',
  netConf: 'net/10-calico-network1.conf',
  pluginPath: '/opt/cni/bin/calico',
  ifName: 'eth0',
  ip: '192.168.0.0',
  args: 'IP=192.168.0.0',
  mask: '255.255.255.255',
};

test('what is written is read back; an empty list leaves no file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'net-info-'));
  expect(readNetInfo(dir)).toEqual([]);
  writeNetInfo(dir, [info]);
  expect(readNetInfo(dir)).toEqual([info]);
  writeNetInfo(dir, []);
  expect(readNetInfo(dir)).toEqual([]);
  writeFileSync(join(dir, 'net-info.json'), JSON.stringify([{ ...info, netConf: 'net/../../etc/passwd' }]));
  expect(() => readNetInfo(dir)).toThrow('[0].netConf: found "net/../../etc/passwd", wanted net/FILE');
  rmSync(dir, { recursive: true });
});

test('networks as lists show them', () => {
  const others = [
    { ...info, netName: 'x', ip: '' },
    { ...info, netName: 'y', ip: 'fd00::1' },
  ];
  expect(formatNetworks([info, ...others])).toBe('network1:ip4=192.168.0.0, x:ip4=<nil>, y:ip6=fd00::1');
  expect(formatNetworks([])).toBe('');
});

test.each([
  [0, '0.0.0.0'],
  [17, '255.255.128.0'],
  [24, '255.255.255.0'],
  [32, '255.255.255.255'],
])('/%d is %s', (prefixLength, mask) => {
  expect(formatMask(prefixLength)).toBe(mask);
});
