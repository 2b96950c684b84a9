// Builds dist/system/, what other programs of a host read: units of systemd, settings of NetworkManager, and the environment of
// the agent with each variable's sentence from its table.
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Variables, variables } from '../src/agent/config/variables.ts';
import { UNITS } from '../src/install/layout.ts';

const WIDTH = 100;

/** As comments of a file of assignments, broken at spaces. */
function comment(text: string): string {
  const lines: string[] = ['#'];
  for (const word of text.split(' ')) {
    const line = `${lines.at(-1)} ${word}`;
    if (line.length <= WIDTH) lines[lines.length - 1] = line;
    else lines.push(`# ${word}`);
  }
  return lines.join('\n');
}

function printVariables({ names, doc, usual }: Variables): string {
  const sentence = `${doc.charAt(0).toUpperCase()}${doc.slice(1)}. Not set: ${usual}.`;
  return [comment(sentence.replaceAll('`', '')), ...names.map((name) => `#${name}=`)].join('\n');
}

/** Whoever starts the agent says so by itself; that is no setting of the administrator's. */
const isSetting = ({ names }: Variables) => !names.includes('CALICO_STARTED_BY');

function printEnvironment(): string {
  const head = comment(
    'The settings of calico-node(8) on this host, read when its unit starts it. What stands behind a hash sign is a comment.',
  );
  return `${[head, ...variables.filter(isSetting).map(printVariables)].join('\n\n')}\n`;
}

/** Builds beside dist/system and moves it in place. */
export function buildSystem(root: string): void {
  console.error('build: dist/system');
  const folder = join(root, 'dist/system.new');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const name of [...UNITS, '10-ocicat.conf']) copyFileSync(join(root, 'packaging', name), join(folder, name));
  writeFileSync(join(folder, 'calico-node.env'), printEnvironment());
  rmSync(join(root, 'dist/system'), { recursive: true, force: true });
  renameSync(folder, join(root, 'dist/system'));
}
