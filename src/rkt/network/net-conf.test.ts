import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseNetList } from '../options/net-list.ts';
import { loadNetworks, parseNetworkConf, selectNetworks } from './net-conf.ts';

function withFiles<T>(files: Readonly<Record<string, string>>, work: (dir: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), 'net-conf-'));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
    return work(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const calico = (name: string): string =>
  JSON.stringify({ name, cniVersion: '0.1.0', type: 'calico', ipam: { type: 'calico-ipam' } });

test('the worked example joins network1 as eth0 and default-restricted as eth1', () => {
  withFiles({ '10-calico-network1.conf': calico('network1'), '10-calico-network2.conf': calico('network2') }, (dir) => {
    const warnings: string[] = [];
    const confs = loadNetworks(dir, (line) => warnings.push(line));
    const selected = selectNetworks(asNamed(['network1:IP=192.168.0.0']), confs);
    expect(selected.map(({ conf, ifName, args }) => [conf.name, ifName, args])).toEqual([
      ['network1', 'eth0', 'IP=192.168.0.0'],
      ['default-restricted', 'eth1', ''],
    ]);
    expect(warnings).toEqual([]);
  });
});

function asNamed(values: readonly string[]) {
  const list = parseNetList(values);
  if (list.kind === 'host' || list.kind === 'none') throw new Error('wanted networks');
  return list;
}

test('without a directory there are the two built-in networks', () => {
  const confs = loadNetworks('/nonexistent', () => {});
  expect(confs.map((conf) => [conf.name, conf.file])).toEqual([
    ['default-restricted', '99-default-restricted.conf'],
    ['default', '99-default.conf'],
  ]);
});

test('a file replaces a built-in, a second file of the same name is ignored, other files are not read', () => {
  const files = { 'a.conf': calico('default'), 'b.conf': calico('default'), 'c.json': '{', 'd.conf~': '{' };
  withFiles(files, (dir) => {
    const warnings: string[] = [];
    const confs = loadNetworks(dir, (line) => warnings.push(line));
    expect(confs.map((conf) => conf.file)).toEqual(['99-default-restricted.conf', 'a.conf']);
    expect(warnings).toEqual([
      '"default" network already defined, ignoring b.conf',
      `overriding "default" network with one from ${dir}`,
    ]);
    expect(selectNetworks(asNamed(['all']), confs).map((one) => one.conf.name)).toEqual([
      'default-restricted',
      'default',
    ]);
  });
});

test('a list keeps its plugins in order', () => {
  const json = JSON.stringify({
    name: 'n',
    cniVersion: '1.0.0',
    plugins: [{ type: 'ptp', mtu: 1400 }, { type: 'portmap' }],
  });
  expect(parseNetworkConf('n.conflist', 'n.conflist', json).plugins).toEqual([
    { type: 'ptp', fields: { type: 'ptp', mtu: 1400 } },
    { type: 'portmap', fields: { type: 'portmap' } },
  ]);
});

test.each([
  ['{', 'error loading /n/x.conf: is not JSON'],
  ['{"name":"a"}', 'error loading /n/x.conf: type: found nothing, wanted the file name of a plugin'],
  ['{"name":"../a","type":"p"}', 'error loading /n/x.conf: name: found "../a", wanted a network name'],
  ['{"name":"a","type":"../../bin/sh"}', 'wanted the file name of a plugin'],
  ['[]', 'error loading /n/x.conf: document: found a list of 0, wanted an object'],
])('%s is refused', (json, message) => {
  expect(() => parseNetworkConf('x.conf', '/n/x.conf', json)).toThrow(message);
});

test('every unknown network is named', () => {
  const confs = loadNetworks('/nonexistent', () => {});
  expect(() => selectNetworks(asNamed(['x,y,default']), confs)).toThrow(
    'networks not found: x, y; there are default-restricted, default',
  );
});
