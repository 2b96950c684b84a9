// The command table of `ocicat lab`.

import { OcicatError } from '../base/errors.ts';
import type { Command, Flag, Operand } from '../cli/command.ts';
import { describeFlagFault, type Fault } from '../cli/faults.ts';
import type { CommandLine } from '../cli/parse.ts';
import { formatUsage, type Program } from '../cli/program.ts';

/** Returns the exit status. */
export type Handler = (line: CommandLine<LabCommand>) => number | Promise<number>;

export type LabCommand = Command<Handler>;

export const DEFAULT_NAME = 'default';
export const DEFAULT_NODES = '2';
export const DEFAULT_SEGMENTS = '1';

const NAME: Flag = { name: 'name', value: 'LAB', doc: 'the name of the lab', usual: DEFAULT_NAME };
const NODES: Flag = { name: 'nodes', value: 'N', doc: 'how many hosts', usual: DEFAULT_NODES };
const SEGMENTS: Flag = {
  name: 'segments',
  value: 'N',
  doc: 'over how many subnets they are spread, with a router between that knows no addresses but theirs',
  usual: DEFAULT_SEGMENTS,
};
const IPV6: Flag = { name: 'ipv6', doc: 'IPv6 alone, between the hosts and for pods' };
const DUAL_STACK: Flag = { name: 'dual-stack', doc: 'both IPv4 and IPv6' };
const NODE: Operand = { name: 'NODE', offers: 'nodes' };

/** The handler of that name, for root. */
async function loadHandler(name: keyof typeof import('./handlers.ts')): Promise<Handler> {
  if (process.getuid?.() !== 0) throw new OcicatError('denied', 'hosts need root: run it with sudo');
  return (await import('./handlers.ts'))[name];
}

const commands: readonly LabCommand[] = [
  {
    path: ['up'],
    summary: 'start hosts calico-01 to calico-N',
    usage: '[--nodes N] [--segments N] [--ipv6 | --dual-stack] [--name LAB]',
    operands: [],
    flags: [NODES, SEGMENTS, IPV6, DUAL_STACK, NAME],
    examples: [
      ['Three hosts', 'ocicat lab up --nodes 3'],
      ['Four hosts, two and two in subnets of both families', 'ocicat lab up --nodes 4 --segments 2 --dual-stack'],
    ],
    load: () => loadHandler('runUp'),
  },
  {
    path: ['exec'],
    summary: 'run a command on a host',
    usage: '[--name LAB] NODE -- COMMAND…',
    operands: [NODE, { name: 'COMMAND', many: true, afterDashes: true }],
    flags: [NAME],
    examples: [
      ['The sessions of a host', 'ocicat lab exec calico-01 -- calicoctl node status'],
      ['What Log rules say about packets', 'ocicat lab exec calico-01 -- grep calico-packet /var/log/calico/node.log'],
    ],
    load: () => loadHandler('runExec'),
  },
  {
    path: ['shell'],
    summary: 'a shell on a host',
    usage: '[--name LAB] NODE',
    operands: [NODE],
    flags: [NAME],
    examples: [['On the first host', 'ocicat lab shell calico-01']],
    load: () => loadHandler('runShell'),
  },
  {
    path: ['status'],
    summary: 'what runs, and where',
    usage: '[--name LAB]',
    operands: [],
    flags: [NAME],
    load: () => loadHandler('runStatus'),
  },
  {
    path: ['down'],
    summary: 'end it; nothing is left behind',
    usage: '[--name LAB]',
    operands: [],
    flags: [NAME],
    load: () => loadHandler('runDown'),
  },
  {
    path: ['host-init'],
    summary: 'be process 1 of a host',
    operands: [{ name: 'NODE' }],
    flags: [],
    hidden: true,
    load: () => loadHandler('runHostInit'),
  },
  {
    path: ['fill-registry'],
    summary: 'put the images of the lab into its registry',
    operands: [],
    flags: [],
    hidden: true,
    load: () => loadHandler('runFillRegistry'),
  },
];

function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'unknown-command':
      return `unknown command "${fault.argument}" (see "ocicat lab --help")`;
    case 'no-operand':
      return `usage: ${formatUsage(lab, fault.command)}`;
    case 'extra-operand':
      if (fault.command.operands.length > 0) return `usage: ${formatUsage(lab, fault.command)}`;
      return `unexpected "${fault.argument}" (see "ocicat lab --help")`;
    default:
      return `${describeFlagFault(fault)} (see "ocicat lab --help")`;
  }
}

export const lab: Program<LabCommand> = { name: 'ocicat lab', commands, globalFlags: [], assigns: ' ', describeFault };

export const ABOUT_LABS = [
  'Each host has its own network, processes, host name and file system; what it writes is gone when the lab ends.',
  'The name of a lab is "default" unless given; labs with different names do not see each other.',
  'The log of the agent of a host is /var/log/calico/node.log there, and has what Log rules say about packets.',
];
