// What is installed beside the programs: manual pages that roff takes without a warning, completions that shells take.
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pageName } from '../../src/manual/page.ts';
import { pages } from '../../src/manuals.ts';

const share = join(import.meta.dir, '../../dist/share');
const found = [...new Bun.Glob('man/**/*').scanSync(share)].sort();

function run(...command: readonly string[]): string {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', MANWIDTH: '80' };
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd: share, env });
  expect([exitCode, stderr.toString()]).toEqual([0, '']);
  return stdout.toString();
}

test('every page of the manual is there, and no other', () => {
  const wanted = pages.map(({ path, section }) => `man/man${section}/${pageName(path)}.${section}`);
  expect(found).toEqual(wanted.sort());
});

test('man and groff show every page without a warning', () => {
  run('groff', '-ww', '-z', '-man', '-Tutf8', ...found);
  for (const page of found) {
    const text = run('man', '--warnings', '-E', 'UTF-8', '-P', 'cat', '-l', page);
    for (const part of ['NAME', 'SYNOPSIS']) expect(text).toMatch(new RegExp(`^${part}$`, 'm'));
  }
});

test('a page shows its text as it stands', () => {
  const text = run('man', '-E', 'UTF-8', '-P', 'cat', '-l', 'man/man1/calicoctl-patch.1');
  expect(text).toContain(`calicoctl patch ippool pool1 -p '{"spec":{"disabled":true}}'`);
  expect(text).toContain('-t, --type TYPE');
});

test('shells take the completions', () => {
  for (const program of ['calicoctl', 'rkt', 'ocicat', 'calico-node'])
    expect(run('bash', '-c', `source bash-completion/completions/${program} && complete -p ${program}`)).toContain(
      `-F _${program.replace('-', '_')} ${program}`,
    );
  for (const file of new Bun.Glob('zsh/vendor-completions/*').scanSync(share)) run('zsh', '-n', file);
  for (const file of new Bun.Glob('fish/vendor_completions.d/*').scanSync(share)) run('fish', '--no-execute', file);
  expect(readFileSync(join(share, 'zsh/vendor-completions/_calicoctl'), 'utf8')).toStartWith('#compdef calicoctl\n');
});
