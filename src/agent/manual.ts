// The page of calico-node, made from its command table and the table of its variables, and its help.
import { describeOneCommand } from '../cli/manual.ts';
import { formatUsageHelp } from '../cli/usage-help.ts';
import type { Manual } from '../manual/page.ts';
import { calicoNode } from './command.ts';
import { variables } from './config/variables.ts';

const [command] = calicoNode.commands;
const usages: readonly (readonly [usage: string, doc: string])[] = [
  ['calico-node', command?.summary ?? ''],
  ...(command?.flags ?? []).map(({ name, doc }) => [`calico-node --${name}`, doc] as const),
];

export const calicoNodeManual: Manual = describeOneCommand(calicoNode, {
  section: 8,
  summary: 'the agent of one host: policy into the kernel, routes by BIRD, CNI calls answered',
  usage: usages.map(([usage]) => usage),
  description: [
    'It runs as root until SIGTERM or SIGINT; the data plane stays as it is. SIGHUP has it look whether its datastore has been moved. Its environment is its configuration. `calicoctl node run` starts it in the background.',
    'A host has one agent: a second one says who has the host and ends with status 75.',
  ],
  lists: [
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
});

/** What `--help` prints. */
export function formatHelp(): string {
  const configuration =
    'It is configured by the environment: ETCD_ENDPOINTS (none: a private etcd of this machine), NODENAME, IP, IP6,\n' +
    'IP_AUTODETECTION_METHOD, AS, CALICO_IPV4POOL_CIDR, NO_DEFAULT_POOLS, FELIX_… and others; see calico-node(8).';
  return formatUsageHelp('calico-node: the agent of one host.', usages, configuration);
}
