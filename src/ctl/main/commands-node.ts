// Commands about this host.
import { VERSION } from '../../base/version.ts';
import type { CtlCommand } from '../cli/command.ts';
import { CONFIG } from '../cli/flags.ts';

export const nodeCommands: readonly CtlCommand[] = [
  {
    path: ['node', 'status'],
    summary: 'Show whether the agent of this host runs, and its BGP sessions',
    operands: [],
    flags: [],
    load: async () => (await import('../node/status.ts')).runNodeStatus,
  },
  {
    path: ['node', 'run'],
    summary: 'Start the agent of this host, in place of one that runs',
    description:
      'The agent is that of this installation, or a pod of the image that --node-image names. It goes on in the background; the command ends when the agent works, or says why it does not. The file of -c, else the environment, says where the store is.',
    operands: [],
    flags: [
      { name: 'ip', value: 'ADDRESS', doc: 'The IPv4 address of the host, autodetect or none' },
      { name: 'ip6', value: 'ADDRESS', doc: 'The IPv6 address of the host, autodetect or none' },
      { name: 'as', value: 'NUMBER', doc: 'The AS number of the host' },
      { name: 'name', value: 'NAME', doc: 'The name of the host' },
      {
        name: 'take-over',
        value: 'MACHINE',
        doc: 'The machine, as the refusal to start names it, that had the name before and is gone for good',
      },
      { name: 'ip-autodetection-method', value: 'METHOD', doc: 'How the IPv4 address is found' },
      { name: 'ip6-autodetection-method', value: 'METHOD', doc: 'How the IPv6 address is found' },
      { name: 'log-dir', value: 'FOLDER', doc: 'Where its log goes', usual: '/var/log/calico', isPath: true },
      { name: 'node-image', value: 'IMAGE', doc: 'Run a pod of this image' },
      { name: 'backend', value: 'WORD', doc: 'How routes travel', choices: ['bird', 'vxlan', 'none'] },
      { name: 'no-default-ippools', doc: 'Make no pools in an empty store' },
      { name: 'init-system', doc: 'Stay in the foreground, for an init system that restarts it' },
      { name: 'felix-config', value: 'FILE', doc: 'Settings that go before those in the store', isPath: true },
      { name: 'dryrun', doc: 'Print the command instead of running it' },
      CONFIG,
    ],
    examples: [
      ['An agent whose address is found', 'calicoctl node run --ip autodetect'],
      ['A pod of an image', `calicoctl node run --node-image quay.io/calico/node:v${VERSION}`],
    ],
    endsItself: () => true,
    load: async () => (await import('../node/run.ts')).runNode,
  },
  {
    path: ['node', 'checksystem'],
    summary: 'Check that the kernel of this host has what the agent needs',
    operands: [],
    flags: [{ name: 'kernel-config', short: 'f', value: 'FILE', doc: 'The configuration of the kernel', isPath: true }],
    load: async () => (await import('../node/checksystem.ts')).runCheckSystem,
  },
  {
    path: ['node', 'diags'],
    summary: 'Collect what this host shows about its network into an archive',
    operands: [],
    flags: [{ name: 'log-dir', value: 'FOLDER', doc: 'Where logs are', usual: '/var/log/calico', isPath: true }],
    load: async () => (await import('../node/diags.ts')).runNodeDiags,
  },
];
