// calicoctl's pages of the manual, made from the command table.
import type { Entry, Manual, Page } from '../../manual/page.ts';
import type { Command, Flag } from '../cli/command.ts';
import { formatFlag, formatUsage, HELP_FLAG } from '../cli/help.ts';
import { commands, globalFlags } from './commands.ts';

const PROGRAM = ['calicoctl'];

function describeFlag(flag: Flag): Entry {
  const usual = flag.usual === undefined ? '' : ` (default ${flag.usual})`;
  return { term: formatFlag(flag).trim(), doc: `${flag.doc}${usual}.` };
}

function describeFlags(flags: readonly Flag[]): readonly Entry[] {
  return flags.filter((flag) => !flag.hidden).map(describeFlag);
}

export function describeCommand(command: Command): Page {
  return {
    words: [...PROGRAM, ...command.words],
    section: 1,
    summary: command.summary,
    usage: [formatUsage(command)],
    description: command.description?.split('\n\n') ?? [],
    lists: [
      { title: 'Options', entries: describeFlags(command.flags) },
      { title: 'Global options', entries: describeFlags([...globalFlags, HELP_FLAG]) },
    ],
    examples: command.examples ?? [],
    above: PROGRAM,
  };
}

const shown = commands.filter((command) => !command.hidden);

const ETCD_VARIABLES: readonly Entry[] = [
  {
    term: 'ETCD_ENDPOINTS, ETCD_DISCOVERY_SRV',
    doc: 'Where the store is: URLs with commas between, or a domain whose SRV records say it; the private etcd of this host by default.',
  },
  { term: 'ETCD_USERNAME, ETCD_PASSWORD', doc: 'Who asks.' },
  {
    term: 'ETCD_CA_CERT_FILE, ETCD_CERT_FILE, ETCD_KEY_FILE',
    doc: 'Who signed the certificate of the store, the certificate to show, and its key.',
  },
  { term: 'CALICO_NAME', doc: 'Goes before `NAME`, for each of these.' },
];

export const calicoctlOverview: Page = {
  words: PROGRAM,
  section: 1,
  summary: 'manage network and security policy, address pools and routing of a cluster of hosts',
  usage: ['calicoctl COMMAND [flags]'],
  description: ['`calicoctl COMMAND --help` says what a page here says.'],
  lists: [
    {
      title: 'Commands',
      entries: shown.map(({ words, summary }) => ({
        term: words.join(' '),
        doc: `${summary}.`,
        page: [...PROGRAM, ...words],
      })),
    },
    { title: 'Global options', entries: describeFlags([...globalFlags, HELP_FLAG]) },
    { title: 'Environment', entries: ETCD_VARIABLES },
    { title: 'Files', entries: [{ term: '/etc/calico/calicoctl.cfg', doc: 'How to reach the store.' }] },
  ],
  examples: [],
};

export const calicoctlManual: Manual = [calicoctlOverview, ...shown.map(describeCommand)];
