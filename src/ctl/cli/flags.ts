// Flags that several commands share.
import type { Flag } from '../../cli/command.ts';

export const CONFIG: Flag = {
  name: 'config',
  short: 'c',
  value: 'FILE',
  doc: 'File that says how to reach the store, in YAML or JSON',
  usual: '/etc/calico/calicoctl.cfg',
  isPath: true,
};
export const FILENAME: Flag = {
  name: 'filename',
  short: 'f',
  value: 'FILE',
  doc: 'File or folder with resources in YAML or JSON, "-" for standard input; may be given several times',
  isPath: true,
};
export const RECURSIVE: Flag = { name: 'recursive', short: 'R', doc: 'Read the folders in a folder too' };
export const SKIP_EMPTY: Flag = { name: 'skip-empty', doc: 'Files without resources are no failure' };
export const NAMESPACE: Flag = {
  name: 'namespace',
  short: 'n',
  value: 'NAMESPACE',
  doc: 'Namespace of the resources',
  usual: 'default',
};
export const ALL_NAMESPACES: Flag = { name: 'all-namespaces', short: 'A', doc: 'The resources of all namespaces' };
export const DRY_RUN: Flag = { name: 'dry-run', doc: 'Check everything and write nothing' };
export const OUTPUT: Flag = {
  name: 'output',
  short: 'o',
  value: 'FORMAT',
  doc: 'ps, wide, yaml, json, name, custom-columns=A,B, go-template=T, go-template-file=FILE or jsonpath=T',
  usual: 'ps',
  choices: ['ps', 'wide', 'yaml', 'json', 'name', 'custom-columns=', 'go-template=', 'go-template-file=', 'jsonpath='],
};

/** Levels of --log-level, from quiet to loud (Calico v3.33, calicoctl/calicoctl/commands). */
export const LOG_LEVELS = ['panic', 'fatal', 'error', 'warn', 'info', 'debug'] as const;

/** What every command takes. */
export const globalFlags: readonly Flag[] = [
  {
    name: 'verbose',
    short: 'v',
    doc: 'Tell what is asked of the store, on standard error; given twice, what is read and written too',
  },
  {
    name: 'log-level',
    short: 'l',
    value: 'LEVEL',
    doc: 'info is -v, debug is -vv, and panic, fatal, error and warn are neither',
    usual: 'panic',
    choices: LOG_LEVELS,
  },
  { name: 'allow-version-mismatch', doc: 'Work on a cluster of another version too' },
  { name: 'context', value: 'NAME', doc: 'A Kubernetes cluster: refused, the store is etcd', hidden: true },
];
