// Builds dist/share/, laid out as /usr/share is: manual pages, and what completes words in bash, zsh and fish.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { VERSION } from '../src/base/version.ts';
import { printCompletion } from '../src/cli/completion.ts';
import { pageName } from '../src/manual/page.ts';
import { printRoffPage } from '../src/manual/roff.ts';
import { pages } from '../src/manuals.ts';

/** Where a shell looks for the completion of a command. */
const COMPLETIONS: Readonly<Record<string, (program: string) => string>> = {
  bash: (program) => `bash-completion/completions/${program}`,
  zsh: (program) => `zsh/vendor-completions/_${program}`,
  fish: (program) => `fish/vendor_completions.d/${program}.fish`,
};

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Builds beside dist/share and moves it in place. */
export function buildShare(dist: string): void {
  console.error('build: dist/share');
  const folder = join(dist, 'share.new');
  rmSync(folder, { recursive: true, force: true });
  for (const page of pages) {
    const file = `man/man${page.section}/${pageName(page.path)}.${page.section}`;
    write(join(folder, file), printRoffPage(page, VERSION));
  }
  for (const [shell, pathOf] of Object.entries(COMPLETIONS)) {
    for (const program of ['calicoctl', 'rkt', 'calico-node', 'ocicat']) {
      write(join(folder, pathOf(program)), printCompletion(shell, program));
    }
  }
  rmSync(join(dist, 'share'), { recursive: true, force: true });
  renameSync(folder, join(dist, 'share'));
}
