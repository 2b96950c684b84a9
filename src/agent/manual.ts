// The page of calico-node, made from the tables of its options and variables; its help is a part of it.
import type { Manual, Page } from '../manual/page.ts';
import { variables } from './config/variables.ts';

const usages: readonly (readonly [usage: string, doc: string])[] = [
  ['calico-node', 'run until SIGTERM; the data plane stays as it is'],
  ['calico-node --check', 'say what is wrong with the settings, and run nothing'],
  ['calico-node --version', 'print the version'],
  ['calico-node --help', 'print a summary of this page'],
];

const own: Page = {
  words: ['calico-node'],
  section: 8,
  summary: 'the agent of one host: policy into the kernel, routes by BIRD, CNI calls answered',
  usage: usages.map(([usage]) => usage),
  description: [
    'It runs as root until SIGTERM or SIGINT; the data plane stays as it is. SIGHUP has it look whether its datastore has been moved. Its environment is its configuration. `calicoctl node run` starts it in the background.',
    'A host has one agent: a second one says who has the host and ends with status 75.',
  ],
  lists: [
    {
      title: 'Options',
      entries: usages.slice(1).map(([usage, doc]) => ({ term: usage.replace('calico-node ', ''), doc: `${doc}.` })),
    },
    {
      title: 'Environment',
      entries: variables.map(({ names, doc, usual }) => ({
        term: names.join(', '),
        doc: `${doc}. Not set: ${usual}.`,
      })),
    },
    {
      title: 'Files',
      entries: [
        { term: '/etc/calico/calico-node.env', doc: 'The environment, where the unit calico-node.service starts it.' },
        { term: '/etc/calico/felix.cfg', doc: 'Fields of FelixConfiguration for this host alone.' },
        { term: '/var/lib/calico', doc: "The node's name, the host's identity, its endpoints, and the private etcd." },
        {
          term: '/var/run/calico',
          doc: 'The lock, the sockets for CNI plugins and of BIRD, and the configuration of BIRD.',
        },
      ],
    },
  ],
  examples: [],
};

export const calicoNodeManual: Manual = [own];

/** What `--help` prints. */
export function formatHelp(): string {
  const width = Math.max(...usages.map(([usage]) => usage.length)) + 2;
  const lines = usages.map(([usage, doc]) => `  ${usage.padEnd(width)}${doc}`);
  const configuration =
    'It is configured by the environment: ETCD_ENDPOINTS (none: a private etcd of this machine), NODENAME, IP, IP6,\n' +
    'IP_AUTODETECTION_METHOD, AS, CALICO_IPV4POOL_CIDR, NO_DEFAULT_POOLS, FELIX_… and others; see calico-node(8).';
  return ['calico-node: the agent of one host.', ['Usage:', ...lines].join('\n'), configuration].join('\n\n');
}
