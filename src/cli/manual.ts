// A program's pages of the manual, made from its command table.
import type { Manual, Page } from '../manual/page.ts';
import { type Command, type Flag, HELP_FLAG } from './command.ts';
import { describeFlag, formatFlag, formatUsage, type Program, shownFlags } from './program.ts';

/** What a page has beyond the table. */
export type Prose = Pick<Page, 'section' | 'summary' | 'usage' | 'description' | 'lists' | 'examples'>;

function describeFlags(title: string, flags: readonly Flag[], program: Program): Page['lists'][number] {
  const entries = shownFlags(flags, program).map((flag) => ({
    term: formatFlag(flag, program).trim(),
    doc: `${describeFlag(flag)}.`,
  }));
  return { title, entries };
}

function pathOf({ name }: Program): readonly string[] {
  return name.split(' ');
}

function describeCommand(program: Program, command: Command): Page {
  return {
    path: [...pathOf(program), ...command.path],
    section: 1,
    summary: command.summary,
    usage: [formatUsage(program, command)],
    description: command.description?.split('\n\n') ?? [],
    lists: [
      describeFlags('Options', command.flags, program),
      ...command.operands.map(({ name, flags = [] }) => describeFlags(`Options of ${name}`, flags, program)),
      describeFlags('Global options', [...program.globalFlags, HELP_FLAG], program),
    ],
    examples: command.examples ?? [],
    above: pathOf(program),
  };
}

/** The page of a program that is one command. */
export function describeOneCommand(program: Program, prose: Prose): Manual {
  const flags = program.commands.flatMap((command) => command.flags);
  const hasHelp = flags.some(({ name }) => name === HELP_FLAG.name);
  const options = describeFlags('Options', hasHelp ? flags : [...flags, HELP_FLAG], program);
  return [{ ...prose, path: pathOf(program), lists: [options, ...prose.lists] }];
}

/** The page of a program and those of its commands. */
export function describeProgram(program: Program, prose: Prose): Manual {
  const shown = program.commands.filter((command) => !command.hidden);
  const entries = shown.map(({ path, summary }) => ({
    term: path.join(' '),
    doc: `${summary}.`,
    page: [...pathOf(program), ...path],
  }));
  const options = describeFlags('Global options', [...program.globalFlags, HELP_FLAG], program);
  const own = { ...prose, path: pathOf(program), lists: [{ title: 'Commands', entries }, options, ...prose.lists] };
  return [own, ...shown.map((command) => describeCommand(program, command))];
}
