// The command table of `ocicat lab`: from it come the reading of the command line, the help and the pages of the manual.

/** An option with a value. */
export interface LabOption {
  readonly name: 'name' | 'nodes';
  readonly value: string;
  readonly doc: string;
  readonly usual: string;
}

export interface LabCommand {
  readonly verb: 'up' | 'exec' | 'shell' | 'status' | 'down';
  readonly options: readonly LabOption[];
  /** What stands behind the options. */
  readonly operands: string;
  readonly summary: string;
  readonly examples: readonly (readonly [comment: string, line: string])[];
}

export const NAME: LabOption = { name: 'name', value: 'LAB', doc: 'the name of the lab', usual: 'default' };
export const NODES: LabOption = { name: 'nodes', value: 'N', doc: 'how many hosts', usual: '2' };

export const labCommands: readonly LabCommand[] = [
  {
    verb: 'up',
    options: [NODES, NAME],
    operands: '',
    summary: 'start hosts calico-01 to calico-N',
    examples: [['Three hosts', 'ocicat lab up --nodes 3']],
  },
  {
    verb: 'exec',
    options: [NAME],
    operands: 'NODE -- COMMAND…',
    summary: 'run a command on a host',
    examples: [
      ['The sessions of a host', 'ocicat lab exec calico-01 -- calicoctl node status'],
      ['What Log rules say about packets', 'ocicat lab exec calico-01 -- grep calico-packet /var/log/calico/node.log'],
    ],
  },
  {
    verb: 'shell',
    options: [NAME],
    operands: 'NODE',
    summary: 'a shell on a host',
    examples: [['On the first host', 'ocicat lab shell calico-01']],
  },
  { verb: 'status', options: [NAME], operands: '', summary: 'what runs, and where', examples: [] },
  { verb: 'down', options: [NAME], operands: '', summary: 'end it; nothing is left behind', examples: [] },
];

/** `ocicat lab up [--nodes N] [--name LAB]`. */
export function formatLabUsage({ verb, options, operands }: LabCommand): string {
  return ['ocicat lab', verb, ...options.map(({ name, value }) => `[--${name} ${value}]`), operands]
    .join(' ')
    .trimEnd();
}

export const ABOUT_LABS = [
  'Each host has its own network, processes, host name and file system; what it writes is gone when the lab ends.',
  'The name of a lab is "default" unless given; labs with different names do not see each other.',
  'The log of the agent of a host is /var/log/calico/node.log there, and has what Log rules say about packets.',
];
