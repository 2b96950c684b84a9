import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLog } from '../../sys/log.ts';
import { parseAgentSettings } from '../config/settings.ts';
import { keepNodeName, observeNodeName, writeFileWhole } from './node-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocitest-node-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const settingsOf = (environment: Readonly<Record<string, string>>) =>
  parseAgentSettings({ CALICO_NODENAME_FILE: join(folder, 'lib/nodename'), ...environment });

test('a file is replaced whole, in a folder that is made, and nothing else is left there', () => {
  const path = join(folder, 'a/b/file');
  writeFileWhole(path, 'one', 0o600);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileWhole(path, 'two', 0o644);
  expect(readFileSync(path, 'utf8')).toBe('two');
  expect(readdirSync(join(folder, 'a/b'))).toEqual(['file']);
});

test('the settings name the node, then the file that an earlier run left, then the host', () => {
  expect(observeNodeName(settingsOf({}))).toBe(hostname().toLowerCase());
  const settings = settingsOf({ NODENAME: 'host-1' });
  keepNodeName(
    settings,
    observeNodeName(settings),
    openLog(() => undefined),
  );
  expect(readFileSync(join(folder, 'lib/nodename'), 'utf8')).toBe('host-1');
  expect(observeNodeName(settingsOf({}))).toBe('host-1');
  expect(observeNodeName(settingsOf({ NODENAME: 'host-2' }))).toBe('host-2');
});

test('NODENAME goes before the file, the file before HOSTNAME, HOSTNAME before the host; what is empty names nobody', () => {
  const { nodeNameFile } = settingsOf({});
  const nameBy = (environment: Readonly<Record<string, string>>) => observeNodeName(settingsOf(environment));
  expect(nameBy({ HOSTNAME: 'Host-4.Example\n' })).toBe('host-4.example');
  expect(nameBy({ NODENAME: '\n', HOSTNAME: 'host-4' })).toBe('host-4');
  writeFileWhole(nodeNameFile, '\n', 0o644);
  expect(nameBy({ HOSTNAME: 'host-4' })).toBe('host-4');
  writeFileWhole(nodeNameFile, 'host-5\n', 0o644);
  expect(nameBy({ HOSTNAME: 'host-4' })).toBe('host-5');
  expect(nameBy({ HOSTNAME: 'no_name' })).toBe('host-5');
  expect(nameBy({ NODENAME: 'host-6', HOSTNAME: 'host-4' })).toBe('host-6');
});

test('a newline after the name is none of it, in the file and in NODENAME, and what cannot be a name is refused in both', () => {
  const settings = settingsOf({});
  writeFileWhole(settings.nodeNameFile, 'host-3\n', 0o644);
  expect(observeNodeName(settings)).toBe('host-3');
  expect(observeNodeName(settingsOf({ NODENAME: 'host-3\n' }))).toBe('host-3');
  expect(() => settingsOf({ NODENAME: 'Host_3' })).toThrow('read environment: settings refused');
  expect(() => observeNodeName(settingsOf({ CALICO_NODENAME_FILE: '/nowhere', HOSTNAME: 'Host_3' }))).toThrow(
    'node name "host_3": lower-case letters, digits, dashes and dots wanted; set NODENAME',
  );
  writeFileWhole(settings.nodeNameFile, 'Host_3', 0o644);
  expect(() => observeNodeName(settings)).toThrow(
    'node name "Host_3": lower-case letters, digits, dashes and dots wanted; set NODENAME',
  );
  expect(existsSync(`${settings.nodeNameFile}.new`)).toBe(false);
});
