// The pages of the reference say what the command tables say, and nothing is left out. OCICAT_WRITE=1 writes them.
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAgentSettings } from './agent/config/settings.ts';
import { variables } from './agent/config/variables.ts';
import { commands as ctlCommands, globalFlags as ctlGlobalFlags } from './ctl/main/commands.ts';
import { parseDatastoreConfig } from './datastore/open/config.ts';
import { labCommands } from './lab/commands.ts';
import { printMarkdownPage } from './manual/markdown.ts';
import { pageName } from './manual/page.ts';
import { pages } from './manuals.ts';
import { kinds } from './model/kinds.ts';
import { globalFlags as rktGlobalFlags } from './rkt/cli/context.ts';
import { commands as rktCommands } from './rkt/main/commands.ts';
import { appFlags } from './rkt/options/app-arguments.ts';

const reference = join(import.meta.dir, '../docs/reference');
const fileOf = (words: readonly string[]) => join(reference, `${pageName(words)}.md`);

test.each(pages.map((page) => [page.words.join(' '), page] as const))(
  'the page of %s is as its table says',
  (_, page) => {
    if (process.env.OCICAT_WRITE === '1') writeFileSync(fileOf(page.words), printMarkdownPage(page));
    expect(readFileSync(fileOf(page.words), 'utf8')).toBe(printMarkdownPage(page));
  },
);

test('the reference has no page of a command or kind that is no more', () => {
  const known = [
    'resources.md',
    ...kinds.map(({ plural }) => `${plural}.md`),
    ...pages.map(({ words }) => `${pageName(words)}.md`),
  ];
  expect(readdirSync(reference).sort()).toEqual(known.sort());
});

/** Every command with its options, straight from the tables. */
const tables: readonly (readonly [command: string, options: readonly string[]])[] = [
  ...ctlCommands
    .filter((command) => !command.hidden)
    .map((command) => {
      const flags = [...command.flags, ...ctlGlobalFlags].filter((flag) => !flag.hidden);
      return [`calicoctl ${command.words.join(' ')}`, flags.map(({ name }) => name)] as const;
    }),
  ...rktCommands.map((command) => {
    const flags = [...command.flags, ...rktGlobalFlags, ...(command.reads === 'apps' ? appFlags : [])];
    return [`rkt ${command.name.join(' ')}`, flags.map(({ name }) => name)] as const;
  }),
  ...labCommands.map(({ verb, options }) => [`ocicat lab ${verb}`, options.map(({ name }) => name)] as const),
];

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
