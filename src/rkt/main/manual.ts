// rkt's pages of the manual, made from the command table.
import type { Entry, Manual, Page } from '../../manual/page.ts';
import { globalFlags } from '../cli/context.ts';
import type { FlagSpec } from '../cli/flags.ts';
import type { Command } from '../command/command.ts';
import { appFlags } from '../options/app-arguments.ts';
import { commands } from './commands.ts';

const PROGRAM = ['rkt'];

function describeFlag({ name, takes, bare, initial, help }: FlagSpec): Entry {
  const value = takes === 'text' ? '=VALUE' : takes === 'optional' ? `[=${bare ?? 'VALUE'}]` : '';
  const usual = initial === undefined || initial === '""' || takes === 'boolean' ? '' : ` (default ${initial})`;
  return { term: `--${name}${value}`, doc: `${help}${usual}` };
}

function describeFlags(flags: readonly FlagSpec[]): readonly Entry[] {
  return [...flags].sort((a, b) => (a.name < b.name ? -1 : 1)).map(describeFlag);
}

function describeCommand(command: Command): Page {
  const words = [...PROGRAM, ...command.name];
  return {
    words,
    section: 1,
    summary: command.summary,
    usage: [`${words.join(' ')} ${command.usage}`.trimEnd()],
    description: command.needsRoot ? ['It must be run as root.'] : [],
    lists: [
      { title: 'Options', entries: describeFlags(command.flags) },
      { title: 'Options of an image', entries: command.reads === 'apps' ? describeFlags(appFlags) : [] },
      { title: 'Global options', entries: describeFlags(globalFlags) },
    ],
    examples: [],
    above: PROGRAM,
  };
}

const own: Page = {
  words: PROGRAM,
  section: 1,
  summary: 'run pods from docker:// images on CNI networks',
  usage: ['rkt COMMAND'],
  description: ['An on-off option takes `=false` too. `rkt help COMMAND` says what a page here says.'],
  lists: [
    {
      title: 'Commands',
      entries: commands.map(({ name, summary }) => ({
        term: name.join(' '),
        doc: `${summary}.`,
        page: [...PROGRAM, ...name],
      })),
    },
    { title: 'Global options', entries: describeFlags(globalFlags) },
    {
      title: 'Files',
      entries: [
        { term: '/etc/rkt/net.d', doc: 'The networks, a CNI configuration each.' },
        { term: '/etc/rkt, /usr/lib/rkt', doc: 'Configuration of this host, and that of its distribution.' },
        { term: '/var/lib/rkt', doc: 'Pods and images.' },
      ],
    },
  ],
  examples: [
    [
      'A web server with a fixed address',
      'rkt run --net=network1:IP=192.168.0.0 docker://busybox --exec httpd -- -f -h /',
    ],
  ],
};

export const rktManual: Manual = [own, ...commands.map(describeCommand)];
