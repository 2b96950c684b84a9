// Commands about addresses.
import type { CtlCommand } from '../cli/command.ts';
import { CONFIG, DRY_RUN } from '../cli/flags.ts';

export const ipamCommands: readonly CtlCommand[] = [
  {
    path: ['ipam', 'show'],
    summary: 'Show how full pools are, or who holds an address',
    operands: [],
    flags: [
      { name: 'ip', value: 'ADDRESS', doc: 'Who holds this address' },
      { name: 'show-blocks', doc: 'The blocks of each pool too' },
      { name: 'show-borrowed', doc: "Addresses that one node took from another node's block" },
      { name: 'show-configuration', doc: 'The settings of address assignment' },
      CONFIG,
    ],
    examples: [
      ['Usage of pools', 'calicoctl ipam show'],
      ['Who holds an address', 'calicoctl ipam show --ip 10.0.0.1'],
    ],
    load: async () => (await import('../ipam/show.ts')).runIpamShow,
  },
  {
    path: ['ipam', 'release'],
    summary: 'Take back an address that nothing uses',
    description:
      'Refused for an address that an endpoint, a tunnel of a node or a container of another plugin uses: the next to get it would share it. With reports of "calicoctl ipam check", what all of them call leaked is taken back, as far as it has not changed since and nothing uses it now.',
    operands: [],
    flags: [
      { name: 'ip', value: 'ADDRESS', doc: 'The address' },
      { name: 'from-report', value: 'FILE', doc: 'A report of ipam check; may be given several times', isPath: true },
      {
        name: 'force',
        doc: 'Take the address back although it is in use, or leaked ones of an unlocked store or from old reports',
      },
      DRY_RUN,
      CONFIG,
    ],
    load: async () => (await import('../ipam/release.ts')).runIpamRelease,
  },
  {
    path: ['ipam', 'configure'],
    summary: 'Change the settings of address assignment',
    operands: [],
    flags: [
      {
        name: 'strictaffinity',
        value: 'BOOL',
        doc: "Whether nodes never borrow from other nodes' blocks",
        choices: ['true', 'false'],
      },
      { name: 'max-blocks-per-host', value: 'N', doc: 'How many blocks a node may have, per address family' },
      { name: 'ip-cooldown-seconds', value: 'N', doc: 'How long a released address rests' },
      {
        name: 'kubevirt-ip-persistence',
        value: 'WORD',
        doc: 'Whether virtual machines keep their addresses',
        choices: ['Enabled', 'Disabled'],
      },
      DRY_RUN,
      CONFIG,
    ],
    load: async () => (await import('../ipam/configure.ts')).runIpamConfigure,
  },
  {
    path: ['ipam', 'check'],
    summary: 'Compare the addresses that are held with those that are used',
    description:
      'Endpoints and nodes in the store say which addresses are used. Addresses that two have, blocks and affinities without each other, and handles that are missing or count wrong are named as well. The status is 0 also when there are problems; the report can be given to "calicoctl ipam release".',
    operands: [],
    flags: [
      { name: 'show-all-ips', doc: 'Every address that is checked' },
      { name: 'show-problem-ips', doc: 'Every address that is held and not used, or used and not held' },
      { name: 'output', short: 'o', value: 'FILE', doc: 'Write a report to this file', isPath: true },
      CONFIG,
    ],
    load: async () => (await import('../ipam/check.ts')).runIpamCheck,
  },
  {
    path: ['ipam', 'split'],
    summary: 'Split a pool into smaller pools of equal size',
    description: 'The store must be locked. Addresses in use stay where they are.',
    operands: [{ name: 'NUMBER' }],
    flags: [
      { name: 'cidr', value: 'RANGE', doc: 'The range of the pool' },
      { name: 'name', value: 'NAME', doc: 'The name of the pool' },
      DRY_RUN,
      CONFIG,
    ],
    examples: [['Four parts', 'calicoctl ipam split 4 --name my-pool']],
    load: async () => (await import('../ipam/split.ts')).runIpamSplit,
  },
];
