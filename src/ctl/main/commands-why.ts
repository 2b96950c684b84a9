// Commands that explain what policy does.
import type { Flag } from '../../cli/command.ts';
import type { CtlCommand } from '../cli/command.ts';
import { CONFIG, FILENAME, NAMESPACE, RECURSIVE, SKIP_EMPTY } from '../cli/flags.ts';

const OUTPUT: Flag = {
  name: 'output',
  short: 'o',
  value: 'FORMAT',
  doc: 'text for people, json for programs',
  usual: 'text',
  choices: ['text', 'json'],
};

export const whyCommands: readonly CtlCommand[] = [
  {
    path: ['why'],
    summary: 'Say whether a packet between two endpoints is let through, and which rule decides',
    description:
      'SOURCE and DESTINATION are endpoints of workloads, each named by the name that get shows, by the id of its container (its beginning will do), by its workload or interface, by the UUID or an app of a pod of rkt on this host, or by an address; also an address that no endpoint has, or a host by the name of its node. The answer comes from what the store holds, wherever the endpoints are: the policies and profiles at the source on its way out, and at the destination on its way in. Where both have IPv4 and IPv6, it is given for each. Run as root on the host of an endpoint it also reads the rules back from the kernel, and says whether they do the same. The status is 0 when all of it is allowed, 1 when something is denied, and 2 when there is no answer.',
    operands: [
      { name: 'SOURCE', offers: 'endpoints' },
      { name: 'DESTINATION', offers: 'endpoints' },
    ],
    flags: [
      {
        name: 'protocol',
        short: 'p',
        value: 'PROTOCOL',
        doc: 'tcp, udp, sctp, icmp (ICMPv6 between IPv6 addresses) or a number',
        usual: 'tcp',
        choices: ['tcp', 'udp', 'sctp', 'icmp'],
      },
      {
        name: 'port',
        value: 'PORT',
        doc: 'Port of the destination: a number, or a name that it has for one of its ports',
        usual: '80 for TCP',
      },
      { name: 'source-port', value: 'PORT', doc: 'Port of the source', usual: '50000' },
      { name: 'icmp-type', value: 'TYPE[/CODE]', doc: 'With ICMP', usual: 'an echo request' },
      { name: 'ip-version', value: 'VERSION', doc: '4 or 6 alone', choices: ['4', '6'] },
      OUTPUT,
      CONFIG,
    ],
    examples: [
      ['Whether a pod reaches another one on port 80', 'calicoctl why 192.168.52.128 192.168.0.0'],
      ['A DNS query, for programs', 'calicoctl why 5e12b4f2 192.168.0.0 --protocol udp --port 53 -o json'],
    ],
    failureStatus: 2,
    load: async () => (await import('../why/why.ts')).runWhy,
  },
  {
    path: ['preview'],
    summary: 'Say which pairs of endpoints would change verdict if files were applied or deleted',
    description:
      'Compares, for every pair of workload endpoints that there are, what policy says now with what it would say after `apply -f` of the same files; nothing is written. With --delete it is after `delete -f` of them. With --staged it is with all staged policies enforced, those of the files among them: each in the place of the policy of its name, or, where its stagedAction is Delete, without that policy; then no file is needed. Tried are a packet for each port, protocol and ICMP type that rules name (the first of a range), those of the changed rules first, and one of TCP, UDP and ICMP that they do not name. Endpoints that no policy can tell apart are compared once and told together. Where there are more kinds of endpoints, or more ports, than can be compared, it says how many are left out. The status is 0 when nothing would change, 1 when something would, and 2 for a failure.',
    operands: [],
    flags: [
      FILENAME,
      { name: 'delete', doc: 'What deleting the resources of the files would change' },
      { name: 'staged', doc: 'What enforcing all staged policies would change' },
      RECURSIVE,
      SKIP_EMPTY,
      NAMESPACE,
      OUTPUT,
      CONFIG,
    ],
    examples: [
      ['What a policy would do', 'calicoctl preview -f policy.yaml'],
      ['What its absence would do', 'calicoctl preview --delete -f policy.yaml'],
      ['What staged policies would do', 'calicoctl preview --staged'],
    ],
    failureStatus: 2,
    load: async () => (await import('../why/preview.ts')).runPreview,
  },
  {
    path: ['policy', 'stats'],
    summary: 'Show how many packets each rule of the policies and profiles on this host has met',
    description:
      "Reads the counters of the rules that this host's kernel holds, as root, and what the rules are called from the store. Each row is a rule as it was written, in the order in which a packet meets them: first those for packets to endpoints, then those for packets from them; tiers, policies and their rules in order, what no policy of a tier decided, then profiles. Rules meet the packets that begin flows; those that follow in a flow that was let through pass without. A staged policy decides nothing: its rows say what it would do with the packets that came to its place. Where its stagedAction is Delete, the rows of the policy of its name say that they would be gone. POLICY is the name of policies, staged policies or profiles, or NAMESPACE/NAME; without, all are shown. A policy that no endpoint of this host is under is not in the kernel. Rules go on with what they have counted when their policy or a setting changes; all begin at nothing when the whole table is made anew.",
    operands: [{ name: 'POLICY', optional: true, many: true, offers: 'policies' }],
    flags: [
      { name: 'namespace', short: 'n', value: 'NAMESPACE', doc: 'Only policies of this namespace' },
      {
        name: 'output',
        short: 'o',
        value: 'FORMAT',
        doc: 'ps, wide (orders and selectors too), json or yaml',
        usual: 'ps',
        choices: ['ps', 'wide', 'json', 'yaml'],
      },
      CONFIG,
    ],
    examples: [
      ['What all rules have met', 'calicoctl policy stats'],
      ['What a staged policy would have done', 'calicoctl policy stats web -o wide'],
    ],
    load: async () => (await import('../why/stats.ts')).runStats,
  },
];
