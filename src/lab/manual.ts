// The pages of `ocicat lab`, made from its command table.
import type { Manual, Page } from '../manual/page.ts';
import { ABOUT_LABS, formatLabUsage, type LabCommand, labCommands } from './commands.ts';

const PROGRAM = ['ocicat', 'lab'];

function describeCommand(command: LabCommand): Page {
  const options = command.options.map(({ name, value, doc, usual }) => ({
    term: `--${name} ${value}`,
    doc: `${doc} (default ${usual})`,
  }));
  return {
    words: [...PROGRAM, command.verb],
    section: 1,
    summary: command.summary,
    usage: [formatLabUsage(command)],
    description: [],
    lists: [{ title: 'Options', entries: options }],
    examples: command.examples,
    above: PROGRAM,
  };
}

const own: Page = {
  words: PROGRAM,
  section: 1,
  summary: 'several hosts on one machine, with etcd, a registry and calico-node on each',
  usage: labCommands.map(formatLabUsage),
  description: [ABOUT_LABS.join(' '), 'It must be run as root.'],
  lists: [
    {
      title: 'Commands',
      entries: labCommands.map(({ verb, summary }) => ({ term: verb, doc: `${summary}.`, page: [...PROGRAM, verb] })),
    },
  ],
  examples: [],
};

export const labManual: Manual = [own, ...labCommands.map(describeCommand)];
