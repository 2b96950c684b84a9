// Help texts, made from the command table.

import { OcicatError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import { globalFlags } from '../cli/context.ts';
import type { FlagSpec } from '../cli/flags.ts';
import { printTable } from '../cli/table.ts';
import type { Command, Handler } from '../command/command.ts';
import { appFlags } from '../options/app-arguments.ts';
import { commands } from './commands.ts';

function block(title: string, lines: readonly string[]): string {
  return `${title}:\n${lines.map((line) => `\t${line}\n`).join('')}\n`;
}

function rows(table: readonly (readonly string[])[]): readonly string[] {
  return printTable(table).split('\n').slice(0, -1);
}

function optionRow(spec: FlagSpec): readonly string[] {
  const { name, bare, initial = spec.takes === 'text' ? '[]' : 'false', help } = spec;
  const value = bare === undefined ? `=${initial}` : `[=${bare}]`;
  return [`  --${name}${value}`, help];
}

function options(title: string, specs: readonly FlagSpec[]): string {
  const sorted = [...specs].sort((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.length === 0 ? '' : block(title, rows(sorted.map(optionRow)));
}

function commandHelp(command: Command): string {
  const name = command.name.join(' ');
  return [
    block('NAME', [`${name} - ${command.summary}`]),
    block('USAGE', [`rkt ${name} ${command.usage}`.trimEnd()]),
    options('OPTIONS', command.reads === 'apps' ? [...command.flags, ...appFlags] : command.flags),
    options('GLOBAL OPTIONS', globalFlags),
  ].join('');
}

function programHelp(): string {
  return [
    block('NAME', ['rkt - rkt, the application container runner']),
    block('USAGE', ['rkt [command]']),
    block('VERSION', [VERSION]),
    block('COMMANDS', rows(commands.map((command) => [command.name.join(' '), command.summary]))),
    options('OPTIONS', globalFlags),
  ].join('');
}

/** Help for one command, or for the whole program. */
export function printHelp(command: Command | undefined): string {
  return command === undefined ? programHelp() : commandHelp(command);
}

/** `rkt help [COMMAND]` */
export const showHelp: Handler = async (context, { rest }) => {
  const command = commands.find((candidate) => candidate.name.join(' ') === rest.join(' '));
  if (rest.length > 0 && command === undefined) {
    throw new OcicatError('invalid', `unknown help topic "${rest.join(' ')}". Run 'rkt help'.`);
  }
  context.stdio.stdout(printHelp(command));
  return 0;
};
