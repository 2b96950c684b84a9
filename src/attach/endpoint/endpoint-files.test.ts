import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeEndpoint } from '../../../test/support/attach/endpoint.ts';
import { shortHash } from '../../base/hash.ts';
import {
  forgetEndpoint,
  type KeptEndpoint,
  keepEndpoint,
  listKeptEndpoints,
  NO_FILE,
  stampOf,
  tryRecallEndpoint,
} from './endpoint-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocitest-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const attachment = (interfaceName: string) => ({ containerId: 'c1', interfaceName });

function keptOf(interfaceName: string, changes: Partial<KeptEndpoint> = {}): KeptEndpoint {
  const endpoint = makeEndpoint('c1', interfaceName, `cali${interfaceName}`);
  return { endpoint, handleId: 'network1.c1', createsProfile: true, ...changes };
}

test('each interface of a container is kept by itself, with what another IPAM plugin answered', () => {
  const kept = [keptOf('eth0'), keptOf('eth1', { handleId: undefined, supplied: '{"ips":[]}' })];
  for (const one of kept) keepEndpoint(folder, one);
  expect(['eth0', 'eth1'].map((name) => tryRecallEndpoint(folder, attachment(name)))).toEqual(kept);
  forgetEndpoint(folder, attachment('eth0'));
  expect(listKeptEndpoints(folder)).toEqual([attachment('eth1')]);
});

test('a file that an earlier version named by the container alone is found again', () => {
  keepEndpoint(folder, keptOf('eth0'));
  const [name = ''] = readdirSync(folder);
  renameSync(join(folder, name), join(folder, `${shortHash('c1', 32)}.json`));
  expect(tryRecallEndpoint(folder, attachment('eth0'))).toBeUndefined();
  expect(listKeptEndpoints(folder)).toEqual([attachment('eth0')]);
  expect(readdirSync(folder)).toEqual([name]);
  expect(tryRecallEndpoint(folder, attachment('eth0'))?.handleId).toBe('network1.c1');
});

test('the files of endpoints that the caller knows are not read', () => {
  keepEndpoint(folder, keptOf('eth0'));
  keepEndpoint(folder, keptOf('eth1'));
  const stamp = stampOf(folder, attachment('eth0'));
  writeFileSync(join(folder, readdirSync(folder)[0] ?? ''), 'damaged');
  const known = [attachment('eth0'), attachment('eth1')];
  expect(listKeptEndpoints(folder, known)).toEqual([]);
  expect(listKeptEndpoints(folder)).toHaveLength(1);
  expect(stampOf(folder, attachment('eth2'))).toBe(NO_FILE);
  keepEndpoint(folder, keptOf('eth0'));
  expect(stampOf(folder, attachment('eth0'))).not.toBe(stamp);
});

test('a damaged file says nothing', () => {
  writeFileSync(join(folder, 'x.json'), '{');
  expect(listKeptEndpoints(folder)).toEqual([]);
});
