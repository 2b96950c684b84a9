// Help texts, made from the command table.
import { OcicatError } from '../../base/errors.ts';
import type { Command, Flag, Operand } from './command.ts';

const ABOUT = `calicoctl manages network and security policy, address pools and routing of a cluster of hosts,
and shows what runs on them.`;

const WIDTH = 100;

function formatOperand(operand: Operand): string {
  const name = operand.many ? `${operand.name}...` : operand.name;
  return operand.optional ? `[${name}]` : name;
}

/** `calicoctl get [KIND [NAME...]] [flags]`. */
export function formatUsage(command: Command): string {
  const words = ['calicoctl', ...command.words, ...command.operands.map(formatOperand), '[flags]'];
  return words.join(' ');
}

/** `-o, --output FORMAT`; four blanks where there is no letter. */
export function formatFlag(flag: Flag): string {
  const letter = flag.short === undefined ? '    ' : `-${flag.short}, `;
  return `${letter}--${flag.name}${flag.value === undefined ? '' : ` ${flag.value}`}`;
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Two columns; the right one is wrapped. */
function formatPairs(pairs: readonly (readonly [string, string])[]): string {
  const left = Math.max(0, ...pairs.map(([name]) => name.length)) + 3;
  return pairs
    .map(([name, doc]) => {
      const [first = '', ...more] = wrap(doc, WIDTH - left - 2);
      return [`  ${name.padEnd(left)}${first}`, ...more.map((line) => `  ${' '.repeat(left)}${line}`)].join('\n');
    })
    .join('\n');
}

function formatFlags(flags: readonly Flag[]): string {
  return formatPairs(
    flags
      .filter((flag) => !flag.hidden)
      .map((flag) => [formatFlag(flag), flag.usual === undefined ? flag.doc : `${flag.doc} (default ${flag.usual})`]),
  );
}

export const HELP_FLAG: Flag = { name: 'help', short: 'h', doc: 'Show this help' };

/** The help of one command. */
function formatCommandHelp(command: Command, globalFlags: readonly Flag[]): string {
  const parts = [`${command.summary}.`];
  if (command.description !== undefined) parts.push(wrapParagraphs(command.description));
  parts.push(`Usage:\n  ${formatUsage(command)}`);
  if (command.examples !== undefined) {
    parts.push(`Examples:\n${command.examples.map(([comment, line]) => `  # ${comment}\n  ${line}`).join('\n\n')}`);
  }
  parts.push(`Flags:\n${formatFlags([...command.flags, HELP_FLAG])}`);
  if (globalFlags.some((flag) => !flag.hidden)) parts.push(`Global flags:\n${formatFlags(globalFlags)}`);
  return `${parts.join('\n\n')}\n`;
}

function wrapParagraphs(text: string): string {
  return text
    .split('\n\n')
    .map((paragraph) => wrap(paragraph, WIDTH).join('\n'))
    .join('\n\n');
}

/** The commands below some words, by their next word; groups show the summaries of what is in them. */
function formatGroup(words: readonly string[], commands: readonly Command[], globalFlags: readonly Flag[]): string {
  const inside = commands.filter((one) => !one.hidden && words.every((word, index) => one.words[index] === word));
  const pairs = inside.map((one): [string, string] => [one.words.slice(words.length).join(' '), one.summary]);
  const called = ['calicoctl', ...words].join(' ');
  const parts = [
    ...(words.length === 0 ? [ABOUT] : []),
    `Usage:\n  ${called} COMMAND`,
    `Commands:\n${formatPairs(pairs.sort(([a], [b]) => (a < b ? -1 : 1)))}`,
    `Flags:\n${formatFlags([...globalFlags, HELP_FLAG])}`,
    `"${called} COMMAND --help" says more about a command.`,
  ];
  return `${parts.join('\n\n')}\n`;
}

/** The help for some words: a command, a group or, without words, everything. Throws `invalid` for other words. */
export function formatHelp(
  words: readonly string[],
  commands: readonly Command[],
  globalFlags: readonly Flag[],
): string {
  const exact = commands.find((one) => one.words.join(' ') === words.join(' '));
  if (exact !== undefined) return formatCommandHelp(exact, globalFlags);
  if (commands.some((one) => words.every((word, index) => one.words[index] === word))) {
    return formatGroup(words, commands, globalFlags);
  }
  throw new OcicatError('invalid', `unknown help topic "${words.join(' ')}"`);
}
