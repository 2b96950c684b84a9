// The pages of the reference say what the command tables say, and nothing is left out. OCICAT_WRITE=1 writes them.
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { calicoNode } from './agent/command.ts';
import { parseAgentSettings } from './agent/config/settings.ts';
import { variables } from './agent/config/variables.ts';
import { type Command, operandFlags } from './cli/command.ts';
import type { Program } from './cli/program.ts';
import { calicoctl } from './ctl/main/commands.ts';
import { parseDatastoreConfig } from './datastore/open/config.ts';
import { installProgram } from './install/command.ts';
import { lab } from './lab/commands.ts';
import { printMarkdownPage } from './manual/markdown.ts';
import { pageName } from './manual/page.ts';
import { pages } from './manuals.ts';
import { kinds } from './model/kinds.ts';
import { rkt } from './rkt/main/commands.ts';
import { uninstallProgram } from './uninstall/command.ts';

const reference = join(import.meta.dir, '../docs/reference');
const fileOf = (path: readonly string[]) => join(reference, `${pageName(path)}.md`);

test.each(pages.map((page) => [page.path.join(' '), page] as const))(
  'the page of %s is as its table says',
  (_, page) => {
    if (process.env.OCICAT_WRITE === '1') writeFileSync(fileOf(page.path), printMarkdownPage(page));
    expect(readFileSync(fileOf(page.path), 'utf8')).toBe(printMarkdownPage(page));
  },
);

test('the reference has no page of a command or kind that is no more', () => {
  const known = [
    'resources.md',
    ...kinds.map(({ plural }) => `${plural}.md`),
    ...pages.map(({ path }) => `${pageName(path)}.md`),
  ];
  expect(readdirSync(reference).sort()).toEqual(known.sort());
});

/** Every command with its options, straight from the tables. */
function optionsOf({ name, commands, globalFlags }: Program): readonly (readonly [string, readonly string[]])[] {
  const shownIn = (command: Command) => [...command.flags, ...operandFlags(command), ...globalFlags];
  return commands
    .filter((command) => !command.hidden)
    .map((command) => {
      const flags = shownIn(command).filter((flag) => !flag.hidden);
      return [[name, ...command.path].join(' '), flags.map((flag) => flag.name)];
    });
}

const tables = [calicoctl, rkt, lab, calicoNode, installProgram, uninstallProgram].flatMap(optionsOf);

test.each(tables)('%s has a page with each of its options', (command, options) => {
  const text = readFileSync(fileOf(command.split(' ')), 'utf8');
  for (const option of options) expect(text).toMatch(new RegExp(`^- \`(-\\w, )?--${option}[=\`\\[ ]`, 'm'));
});

test('every variable that the agent reads has its line, and every line its variable', () => {
  const documented = variables.flatMap(({ names }) => names);
  const read = new Set<string>();
  const spy = new Proxy<Record<string, string>>({}, { get: (_, name) => void read.add(String(name)) });
  parseAgentSettings(spy);
  parseDatastoreConfig({ kind: 'environment', environment: spy });
  const plain = [...read].map((name) => (documented.includes(name) ? name : name.replace(/^CALICO_/, '')));
  const elsewhere = ['FELIX_NAME', 'CALICO_STARTED_BY']; // read in felix-overrides.ts and host-lock.ts
  expect([...new Set([...plain, ...elsewhere])].sort()).toEqual([...documented, 'DATASTORE_TYPE'].sort());
});
