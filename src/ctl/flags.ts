// Flags that several commands share.
import type { Flag } from './command.ts';

export const CONFIG: Flag = {
  name: 'config',
  short: 'c',
  value: 'FILE',
  doc: 'File that says how to reach the store, in YAML or JSON',
  usual: '/etc/calico/calicoctl.cfg',
  path: true,
};
export const FILENAME: Flag = {
  name: 'filename',
  short: 'f',
  value: 'FILE',
  doc: 'File or folder with resources in YAML or JSON, "-" for standard input; may be given several times',
  path: true,
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
  words: ['ps', 'wide', 'yaml', 'json', 'name', 'custom-columns=', 'go-template=', 'go-template-file=', 'jsonpath='],
};

/** What every command takes. */
export const globalFlags: readonly Flag[] = [
  { name: 'verbose', short: 'v', doc: 'Tell what is asked of the store, on standard error' },
  {
    name: 'allow-version-mismatch',
    doc: 'Taken so that scripts written for Calico run: no version is refused here',
    hidden: true,
  },
];
