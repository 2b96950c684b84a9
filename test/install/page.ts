// The commands of docs/install.md: blocks marked `sh WHERE`, in the order of the page. Whoever runs one says so; what nobody
// has run is told.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { provideDebianRoot } from './debian-root.ts';

export interface Block {
  /** The section's title. */
  readonly section: string;
  /** On which hosts, in the page's own words. */
  readonly where: string;
  readonly commands: string;
  /** Of the block's first command in the page, from 1. */
  readonly line: number;
}

function parseBlocks(markdown: string): readonly Block[] {
  const lines = markdown.split('\n');
  const blocks: Block[] = [];
  let section = '';
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (line.startsWith('## ')) section = line.slice(3);
    if (!line.startsWith('```')) continue;
    const where = /^```sh (.+)$/.exec(line)?.[1];
    if (where === undefined) throw new Error(`install.md, line ${at + 1}: the block does not say where it is run`);
    const end = lines.indexOf('```', at + 1);
    blocks.push({ section, where, commands: lines.slice(at + 1, end).join('\n'), line: at + 2 });
    at = end;
  }
  return blocks;
}

export interface Page {
  readonly blocks: readonly Block[];
  /** The blocks of a section for these hosts, which are run now. Throws when there is none. */
  take(section: string, where: string): readonly Block[];
  /** Blocks that were never taken, of those that are typed into a host with the Debian package, or of the others. */
  left(hosts: 'packaged' | 'others'): readonly Block[];
  /** A root in which all that the page installs can be installed. */
  provideRoot(): string;
}

/** Where the blocks are run that are about the Debian package. */
export const PACKAGED = 'Debian host';
/** Beside what the page installs: for its last section, and for hosts that encrypt. */
const MORE = ['network-manager', 'wireguard-go'];

/** Names of Debian packages that the page installs by name. */
function namedPackages(blocks: readonly Block[]): readonly string[] {
  const lines = blocks.flatMap(({ commands }) => commands.split('\n'));
  const words = lines.filter((line) => line.startsWith('apt-get install ')).flatMap((line) => line.split(' ').slice(2));
  return words.filter((word) => !word.startsWith('-'));
}

/** Names of those that our own depends on. */
function dependencies(): readonly string[] {
  const control = readFileSync(join(import.meta.dir, '../../packaging/debian/control'), 'utf8');
  const [, list = ''] = /^Depends: (.*)$/m.exec(control) ?? [];
  return list.split(', ').flatMap((word) => /^[a-z][a-z0-9.+-]+/.exec(word) ?? []);
}

export function readInstallPage(): Page {
  const blocks = parseBlocks(readFileSync(join(import.meta.dir, '../../docs/install.md'), 'utf8'));
  const taken = new Set<Block>();
  return {
    blocks,
    take(section, where) {
      const found = blocks.filter((block) => block.section.startsWith(section) && block.where === where);
      if (found.length === 0) throw new Error(`install.md: no block for "${where}" in "${section}"`);
      for (const block of found) taken.add(block);
      return found;
    },
    left: (hosts) =>
      blocks.filter((block) => !taken.has(block) && (block.where === PACKAGED) === (hosts === 'packaged')),
    provideRoot: () => provideDebianRoot({ alone: [...namedPackages(blocks), ...MORE], recommending: dependencies() }),
  };
}
