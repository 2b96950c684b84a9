import { expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const bin = join(import.meta.dir, '../../dist/bin');

test.each(['ocicat', 'calicoctl', 'rkt'])('%s runs nothing that the working directory names', (program) => {
  const directory = mkdtempSync(join(tmpdir(), 'hardening-'));
  try {
    const trace = join(directory, 'trace');
    writeFileSync(join(directory, 'evil.ts'), `require('node:fs').writeFileSync(${JSON.stringify(trace)}, 'ran');`);
    writeFileSync(join(directory, 'bunfig.toml'), 'preload = ["./evil.ts"]\n');
    writeFileSync(
      join(directory, '.env'),
      'ETCD_ENDPOINTS=http://evil.example:2379\nBUN_OPTIONS=--preload=./evil.ts\n',
    );
    const result = Bun.spawnSync([join(bin, program), 'version', '--client'], {
      cwd: directory,
      env: { PATH: process.env.PATH ?? '', HOME: directory },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(existsSync(trace)).toBe(false);
    expect(result.stderr.toString()).not.toContain('evil');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the four programs are one file', () => {
  const inodes = ['ocicat', 'calicoctl', 'calico-node', 'rkt'].map((name) => statSync(join(bin, name)).ino);
  expect(new Set(inodes).size).toBe(1);
});

test('the program names the commit that it was built from', () => {
  const result = Bun.spawnSync([join(bin, 'calicoctl'), 'version', '--client'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const commit = readFileSync(join(bin, '../commit'), 'utf8');
  expect(commit).toMatch(/^[0-9a-f]{7,40}(-dirty)?$|^unknown$/);
  expect(result.stdout.toString()).toContain(`\nGit commit:        ${commit}\n`);
});

test('called by its own name it says which programs it is', () => {
  const result = Bun.spawnSync([join(bin, 'ocicat'), '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  expect(result.exitCode).toBe(0);
  for (const name of ['lab', 'calico-node', 'rkt', 'calicoctl']) expect(result.stdout.toString()).toContain(name);
});
