// What `ocicat` can be called with: the programs of this executable, as one command table.
import type { Command } from './cli/command.ts';
import type { Program } from './cli/program.ts';

/** Runs the arguments behind the path; returns the exit status. */
type Run = (argv: readonly string[]) => Promise<number>;

interface OcicatCommand extends Command<Run> {
  /** The name that it has on a host besides `ocicat`. */
  readonly ownName?: string;
  /** A command of calicoctl, shown here because people look for it. */
  readonly ofCalicoctl?: boolean;
}

const commands: readonly OcicatCommand[] = [
  {
    path: ['lab'],
    summary: 'several hosts on one machine, to learn on and to try a policy',
    usage: 'up|exec|shell|status|down',
    operands: [],
    flags: [],
    load: async () => (await import('./lab/lab.ts')).runLab,
  },
  {
    path: ['calico-node'],
    ownName: 'calico-node',
    summary: 'the agent of this host',
    usage: '',
    operands: [],
    flags: [],
    // It closes what it has opened; a call that was cut off on the way may still have a timer, which is nothing to wait for.
    load: async () => async (argv) => process.exit(await (await import('./agent/calico-node.ts')).runCalicoNode(argv)),
  },
  {
    path: ['rkt'],
    ownName: 'rkt',
    summary: 'pods from docker:// images',
    usage: 'COMMAND',
    operands: [],
    flags: [],
    load: async () => (await import('./rkt/main/rkt.ts')).runRkt,
  },
  {
    path: ['install'],
    summary: 'put it on this host, or upgrade it',
    usage: '',
    operands: [],
    flags: [],
    load: async () => (await import('./install/install.ts')).runInstall,
  },
  {
    path: ['uninstall'],
    summary: 'take all of it off this host',
    usage: '',
    operands: [],
    flags: [],
    load: async () => (await import('./uninstall/uninstall.ts')).runUninstall,
  },
  {
    path: ['why'],
    summary: 'whether a packet gets through, and why',
    usage: 'SOURCE DESTINATION',
    operands: [],
    flags: [],
    ofCalicoctl: true,
    load: async () => (await import('./ctl/main/calicoctl.ts')).runCalicoctl,
  },
  {
    path: [],
    ownName: 'calicoctl',
    summary: 'resources of the cluster',
    usage: 'COMMAND',
    operands: [],
    flags: [],
    load: async () => (await import('./ctl/main/calicoctl.ts')).runCalicoctl,
  },
  {
    path: ['calicoctl'],
    summary: 'resources of the cluster',
    operands: [],
    flags: [],
    hidden: true,
    load: async () => (await import('./ctl/main/calicoctl.ts')).runCalicoctl,
  },
  {
    path: ['completion'],
    summary: 'print the script that completes it in bash, zsh or fish',
    operands: [],
    flags: [],
    hidden: true,
    load: async () => (await import('./complete.ts')).runCompletion,
  },
  {
    path: ['__complete'],
    summary: 'print what can come next',
    operands: [],
    flags: [],
    hidden: true,
    load: async () => (await import('./complete.ts')).runComplete,
  },
];

/** Whatever calls no program is a line of calicoctl, which refuses it or not. */
export const ocicat: Program<OcicatCommand> = {
  name: 'ocicat',
  commands,
  globalFlags: [],
  assigns: ' ',
  describeFault: () => undefined,
};

/** The program that a name behind `ocicat` calls; undefined where the line is calicoctl's. */
export function findProgram(name: string): OcicatCommand | undefined {
  return commands.find(({ path, ofCalicoctl }) => path[0] === name && !ofCalicoctl);
}
