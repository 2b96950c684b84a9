// calicoctl's pages of the manual, and the command that prints them.
import { OcicatError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import { describeProgram } from '../../cli/manual.ts';
import type { Entry, Manual } from '../../manual/page.ts';
import { printRoffPage } from '../../manual/roff.ts';
import type { Handler } from '../cli/command.ts';
import { calicoctl } from './commands.ts';

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

export const calicoctlManual: Manual = describeProgram(calicoctl, {
  section: 1,
  summary: 'manage network and security policy, address pools and routing of a cluster of hosts',
  usage: ['calicoctl COMMAND [flags]'],
  description: ['`calicoctl COMMAND --help` says what a page here says.'],
  lists: [
    { title: 'Environment', entries: ETCD_VARIABLES },
    { title: 'Files', entries: [{ term: '/etc/calico/calicoctl.cfg', doc: 'How to reach the store.' }] },
  ],
  examples: [],
});

export const runMan: Handler = async ({ operands, stdio }) => {
  const page = calicoctlManual.find(({ path }) => path.slice(1).join(' ') === operands.join(' '));
  if (page === undefined) throw new OcicatError('invalid', `man: no command "${operands.join(' ')}"`);
  stdio.write(printRoffPage(page, VERSION));
  return 0;
};
