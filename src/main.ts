// The one executable: the name that it is called by decides which program it is.
import { basename } from 'node:path';
import { sayLine } from './sys/output.ts';

/** Programs by name; each loads only what it needs. */
const programs: Readonly<Record<string, (argv: readonly string[]) => Promise<number>>> = {
  rkt: async (argv) => (await import('./rkt/main/rkt.ts')).runRkt([...argv]),
  calicoctl: async (argv) => (await import('./ctl/main/calicoctl.ts')).runCalicoctl([...argv]),
  // It closes what it has opened; a call that was cut off on the way may still have a timer, which is nothing to wait for.
  'calico-node': async (argv) => process.exit(await (await import('./agent/calico-node.ts')).runCalicoNode(argv)),
  lab: async (argv) => (await import('./lab/command.ts')).runLab(argv),
  uninstall: async (argv) => (await import('./uninstall/command.ts')).runUninstall(argv),
};

const OVERVIEW = `Networks that cannot reach each other, for containers on plain Linux hosts.

Usage:
  ocicat lab up|exec|shell|status|down   several hosts on one machine, to learn on and to try a policy
  ocicat calico-node                     the agent of this host            (also as: calico-node)
  ocicat rkt COMMAND                     pods from docker:// images        (also as: rkt)
  ocicat why SOURCE DESTINATION          whether a packet gets through, and why
  ocicat uninstall                       take all of it off this host
  ocicat COMMAND                         resources of the cluster          (also as: calicoctl COMMAND)

"ocicat lab --help", "rkt help" and "calicoctl --help" say more.
`;

/** Those that have no name of their own on a host. */
const verbsOnly = new Set(['lab', 'uninstall']);

/** `ocicat PROGRAM …` is the program of that name; every other verb is calicoctl's. */
function choose(name: string, argv: readonly string[]): Promise<number> {
  const own = programs[name];
  if (own !== undefined && !verbsOnly.has(name)) return own(argv);
  const [verb = ''] = argv;
  if (['', 'help', '-h', '--help'].includes(verb) && argv.length < 2) {
    sayLine(OVERVIEW.trimEnd());
    return Promise.resolve(verb === '' ? 2 : 0);
  }
  const named = programs[verb];
  return named === undefined ? choose('calicoctl', argv) : named(argv.slice(1));
}

process.exitCode = await choose(basename(process.argv0), process.argv.slice(2));
