// Builds dist/share/, laid out as /usr/share is: manual pages, and what completes words in bash, zsh and fish.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { VERSION } from '../src/base/version.ts';
import { pageName } from '../src/manual/page.ts';
import { printRoffPage } from '../src/manual/roff.ts';
import { pages } from '../src/manuals.ts';

/** Where a shell looks for the completion of a command, and the command that prints it. */
const COMPLETIONS: readonly (readonly [path: string, ...command: string[]])[] = [
  ['bash-completion/completions/calicoctl', 'calicoctl', 'completion', 'bash'],
  ['bash-completion/completions/rkt', 'rkt', 'completion', 'bash'],
  ['zsh/vendor-completions/_calicoctl', 'calicoctl', 'completion', 'zsh'],
  ['fish/vendor_completions.d/calicoctl.fish', 'calicoctl', 'completion', 'fish'],
];

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function print([program = '', ...words]: readonly string[], bin: string): string {
  const { exitCode, stdout } = Bun.spawnSync([join(bin, program), ...words]);
  if (exitCode !== 0) throw new Error(`build: failed: ${program} ${words.join(' ')}`);
  return stdout.toString();
}

/** Builds beside dist/share and moves it in place. */
export function buildShare(dist: string): void {
  console.error('build: dist/share');
  const folder = join(dist, 'share.new');
  rmSync(folder, { recursive: true, force: true });
  for (const page of pages) {
    const file = `man/man${page.section}/${pageName(page.words)}.${page.section}`;
    write(join(folder, file), printRoffPage(page, VERSION));
  }
  for (const [path, ...command] of COMPLETIONS) write(join(folder, path), print(command, join(dist, 'bin')));
  rmSync(join(dist, 'share'), { recursive: true, force: true });
  renameSync(folder, join(dist, 'share'));
}
