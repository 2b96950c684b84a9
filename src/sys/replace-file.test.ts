import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTemporaries, replaceFile, replaceFileDurably } from './replace-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocitest-replace-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Replaces a file in another process, which strace(1) kills as it would give it its name; what strace has seen. */
function replaceUnderTrace(name: 'replaceFile' | 'replaceFileDurably', injection: readonly string[]): string {
  const log = join(folder, 'strace');
  const program = `import { ${name} } from '${join(import.meta.dir, 'replace-file.ts')}'; ${name}('${folder}/kept/file', 'new', 0o600)`;
  const flags = ['-f', '-y', '-o', log, '-e', 'trace=fsync,rename', ...injection];
  Bun.spawnSync(['strace', ...flags, process.execPath, '-e', program]);
  return readFileSync(log, 'utf8');
}

test.each(['replaceFile', 'replaceFileDurably'] as const)('what a kill in %s leaves goes, and nothing else', (name) => {
  mkdirSync(join(folder, 'kept'));
  for (const other of ['file', '.hidden', '.a.dotted.name', 'no.random12345'])
    writeFileSync(join(folder, 'kept', other), '');
  replaceUnderTrace(name, ['-e', 'inject=rename:signal=KILL']);
  expect(readdirSync(join(folder, 'kept'))).toHaveLength(5);
  removeTemporaries(join(folder, 'kept'));
  expect(readdirSync(join(folder, 'kept')).sort()).toEqual(['.a.dotted.name', '.hidden', 'file', 'no.random12345']);
  expect(readFileSync(join(folder, 'kept/file'), 'utf8')).toBe('');
  removeTemporaries(join(folder, 'never-there'));
});

test('a file that is to survive a power cut is on the disk before it has its name, and its name before the end', () => {
  mkdirSync(join(folder, 'kept'));
  const calls = [...replaceUnderTrace('replaceFileDurably', []).matchAll(/(fsync\(\d+<[^>]*>|rename\()/g)];
  const [first, second, third] = calls.map(([call]) => call.replace(/\(\d+</, '(<'));
  expect([first?.startsWith(`fsync(<${folder}/kept/.file.`), second, third]).toEqual([
    true,
    'rename(',
    `fsync(<${folder}/kept>`,
  ]);
});

test('a file is replaced whole or not at all', () => {
  replaceFile(join(folder, 'file'), 'one', 0o600);
  replaceFileDurably(join(folder, 'file'), 'two', 0o600);
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('two');
  expect(() => replaceFile(join(folder, 'absent/file'), 'three', 0o600)).toThrow('write');
  expect(existsSync(join(folder, 'absent'))).toBe(false);
  expect(readdirSync(folder)).toEqual(['file']);
});
