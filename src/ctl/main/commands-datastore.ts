// Commands about the store as a whole.
import type { CtlCommand } from '../cli/command.ts';
import { CONFIG, DRY_RUN, FILENAME } from '../cli/flags.ts';

/** What needs no Kubernetes here needs no migration either: each is a command of the store as well as of `migrate`. */
const migrateCommands: readonly CtlCommand[] = [
  {
    path: ['datastore', 'lock'],
    summary: 'Lock the store: agents change nothing until it is unlocked',
    operands: [],
    flags: [DRY_RUN, CONFIG],
    load: async () => (await import('../store/datastore-lock.ts')).runLock,
  },
  {
    path: ['datastore', 'unlock'],
    summary: 'Unlock the store',
    operands: [],
    flags: [DRY_RUN, CONFIG],
    load: async () => (await import('../store/datastore-lock.ts')).runUnlock,
  },
  {
    path: ['datastore', 'export'],
    summary: 'Print everything in the locked store',
    operands: [],
    flags: [CONFIG],
    load: async () => (await import('../datastore/export.ts')).runExport,
  },
  {
    path: ['datastore', 'import'],
    summary: 'Fill an empty store with what export printed; it stays locked',
    operands: [],
    flags: [{ ...FILENAME, doc: 'What export printed, "-" for standard input' }, DRY_RUN, CONFIG],
    anyVersion: true,
    load: async () => (await import('../datastore/export.ts')).runImport,
  },
];

/** The same under the name that Calico has for it. */
function underMigrate(command: CtlCommand): CtlCommand {
  const [first = '', ...rest] = command.path;
  return { ...command, path: [first, 'migrate', ...rest], summary: `As "${command.path.join(' ')}"` };
}

export const datastoreCommands: readonly CtlCommand[] = [
  ...migrateCommands,
  ...migrateCommands.map(underMigrate),
  {
    path: ['datastore', 'move'],
    summary: 'Move this host from its own store to a cluster, pods running',
    description:
      'Locks the store that the agent of this host runs for itself, copies all of it into the cluster, and has the agent go on with that. What the cluster has already stays as it is; where the two cannot be one, nothing is moved and every reason is named. A run that was interrupted is brought to its end by the same command.',
    operands: [],
    flags: [
      { name: 'to', value: 'FILE', doc: "File that says how to reach the cluster's store, as for -c", isPath: true },
      DRY_RUN,
    ],
    examples: [['Into the cluster that a file names', 'calicoctl datastore move --to /etc/calico/cluster.cfg']],
    load: async () => (await import('../move/move.ts')).runMove,
  },
  {
    path: ['datastore', 'migrate-policy-names'],
    summary: 'Rename policies that older Calico stored as default.NAME to NAME',
    operands: [],
    flags: [DRY_RUN, CONFIG],
    load: async () => (await import('../resource/policy-names.ts')).runMigratePolicyNames,
  },
  {
    path: ['cluster', 'diags'],
    summary: 'Collect what the store holds into an archive',
    operands: [],
    flags: [CONFIG],
    anyVersion: true,
    load: async () => (await import('../datastore/cluster-diags.ts')).runClusterDiags,
  },
];
