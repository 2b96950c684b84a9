// However dist/ is copied, it stays as large as it is, and each of its programs runs from the copy.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const dist = join(import.meta.dir, '../../dist');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'copies-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function shell(command: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(['/bin/sh', '-c', command], { cwd: folder });
  if (exitCode !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout.toString();
}

const sizeBytes = (path: string) => Number(shell(`du -s --block-size=1 --apparent-size ${path} | cut -f1`));

test.each([
  ['cp -r', `cp -r ${dist}/bin copy`],
  ['cp -a', `cp -a ${dist}/bin copy`],
  ['tar', `mkdir copy && tar -C ${dist}/bin -c . | tar -C copy -x`],
  ['tar that follows no hard links', `mkdir copy && tar -C ${dist}/bin --hard-dereference -c . | tar -C copy -x`],
])('a copy of dist/bin by %s is as large as dist/bin, and its programs run', (_, copy) => {
  shell(`rm -rf copy lib; cp -r ${dist}/lib lib; ${copy}`);
  expect(sizeBytes('copy') / sizeBytes(`${dist}/bin/ocicat`)).toBeLessThan(1.01);
  expect(shell('copy/calicoctl version --client')).toStartWith('Client Version:');
  expect(shell('copy/rkt version')).toStartWith('rkt Version:');
  expect(shell('copy/calico-node --version')).toMatch(/^v\d/);
  expect(shell('copy/ocicat --help')).toContain('ocicat lab');
});

test.each(['calico', 'calico-ipam'])('the CNI plugin %s works when it is copied alone', (name) => {
  shell(`rm -rf plugins; mkdir plugins; cp -a ${dist}/cni/${name} plugins/`);
  expect(shell(`CNI_COMMAND=VERSION plugins/${name} </dev/null`)).toContain('"supportedVersions"');
});
