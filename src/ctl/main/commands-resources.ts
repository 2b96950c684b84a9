// Commands that show and change resources.
import type { Flag, Operand } from '../../cli/command.ts';
import { flagOn, flagValue } from '../../cli/flags.ts';
import type { CtlCommand } from '../cli/command.ts';
import { ALL_NAMESPACES, CONFIG, DRY_RUN, FILENAME, NAMESPACE, OUTPUT, RECURSIVE, SKIP_EMPTY } from '../cli/flags.ts';

const FILES: readonly Flag[] = [FILENAME, RECURSIVE, SKIP_EMPTY];
const WRITE: readonly Flag[] = [...FILES, NAMESPACE, DRY_RUN, CONFIG];
const KIND_AND_NAMES: readonly Operand[] = [
  { name: 'KIND', optional: true, offers: 'kinds' },
  { name: 'NAME', optional: true, many: true, offers: 'names' },
];
const ONE: readonly Operand[] = [
  { name: 'KIND', offers: 'writable-kinds' },
  { name: 'NAME', offers: 'names' },
];

export const resourceCommands: readonly CtlCommand[] = [
  {
    path: ['get'],
    summary: 'Show resources',
    description:
      'All resources of a kind, those that are named, or those that files name; as a table, as YAML or JSON that apply and replace read, or through a template. Namespaced kinds are looked up in the namespace "default" unless -n or -A says otherwise.',
    operands: KIND_AND_NAMES,
    flags: [
      OUTPUT,
      NAMESPACE,
      ALL_NAMESPACES,
      { ...ALL_NAMESPACES, short: 'a', hidden: true },
      { name: 'watch', short: 'w', doc: 'Show what there is, then every change, until interrupted' },
      { name: 'export', doc: 'Leave out what belongs to this cluster: namespace, uid, revision, time' },
      ...FILES,
      CONFIG,
    ],
    examples: [
      ['All profiles', 'calicoctl get profiles'],
      ['Two policies as YAML', 'calicoctl get networkpolicy web db -o yaml'],
    ],
    endsItself: (line) => flagOn(line, 'watch'),
    load: async () => (await import('../resource/get.ts')).runGet,
  },
  {
    path: ['apply'],
    summary: 'Create resources, or replace those that exist',
    operands: [],
    flags: WRITE,
    examples: [
      ['Everything in a file', 'calicoctl apply -f policy.yaml'],
      ['From standard input', 'calicoctl apply -f - < policy.yaml'],
    ],
    load: async () => (await import('../resource/write.ts')).runApply,
  },
  {
    path: ['create'],
    summary: 'Create resources; one that exists is a failure',
    operands: [],
    flags: [...WRITE, { name: 'skip-exists', doc: 'Resources that exist are no failure' }],
    load: async () => (await import('../resource/write.ts')).runCreate,
  },
  {
    path: ['replace'],
    summary: 'Replace resources; one that does not exist is a failure',
    operands: [],
    flags: WRITE,
    load: async () => (await import('../resource/write.ts')).runReplace,
  },
  {
    path: ['delete'],
    summary: 'Delete resources, by kind and name or those that files name',
    operands: KIND_AND_NAMES,
    flags: [...WRITE, { name: 'skip-not-exists', short: 's', doc: 'Resources that do not exist are no failure' }],
    examples: [['One policy', 'calicoctl delete networkpolicy web']],
    load: async () => (await import('../resource/delete.ts')).runDelete,
  },
  {
    path: ['patch'],
    summary: 'Change some fields of a resource',
    operands: ONE,
    flags: [
      { name: 'patch', short: 'p', value: 'JSON', doc: 'The change' },
      {
        name: 'type',
        short: 't',
        value: 'TYPE',
        doc: 'strategic and merge replace the fields that the change names (RFC 7386), json is a list of operations (RFC 6902)',
        usual: 'strategic',
        choices: ['strategic', 'merge', 'json'],
      },
      NAMESPACE,
      DRY_RUN,
      CONFIG,
    ],
    examples: [['Close a pool', `calicoctl patch ippool pool1 -p '{"spec":{"disabled":true}}'`]],
    load: async () => (await import('../resource/patch.ts')).runPatch,
  },
  {
    path: ['label'],
    summary: 'Set or remove a label of a resource',
    operands: [...ONE, { name: 'KEY=VALUE' }],
    flags: [
      { name: 'overwrite', doc: 'Replace another value' },
      { name: 'remove', doc: 'Remove the label; give its KEY alone' },
      NAMESPACE,
      DRY_RUN,
      CONFIG,
    ],
    examples: [['A label for a node', 'calicoctl label node host1 rack=a1']],
    load: async () => (await import('../resource/label.ts')).runLabel,
  },
  {
    path: ['validate'],
    summary: 'Say what is wrong with resources in files, without a store',
    operands: [],
    flags: [...FILES, NAMESPACE],
    load: async () => (await import('../resource/validate.ts')).runValidate,
  },
  {
    path: ['version'],
    summary: 'Show the version of this program and of the cluster',
    operands: [],
    flags: [
      { name: 'client', doc: 'This program only' },
      { name: 'poll', value: 'DURATION', doc: 'Ask the cluster again and again, and show what changes' },
      CONFIG,
    ],
    anyVersion: true,
    endsItself: (line) => flagValue(line, 'poll') !== undefined,
    load: async () => (await import('../datastore/version.ts')).runVersion,
  },
  {
    path: ['diff'],
    summary: 'Show what apply would change',
    description: 'The status is 0 when nothing would change, 1 when something would and 2 after a failure.',
    operands: [],
    flags: [...FILES, NAMESPACE, CONFIG],
    failureStatus: 2,
    load: async () => (await import('../resource/diff.ts')).runDiff,
  },
  {
    path: ['edit'],
    summary: 'Change a resource in an editor: $VISUAL, $EDITOR or vi',
    operands: ONE,
    flags: [NAMESPACE, DRY_RUN, CONFIG],
    endsItself: () => true, // the terminal's signals are the editor's
    load: async () => (await import('../resource/edit.ts')).runEdit,
  },
  {
    path: ['wait'],
    summary: 'Wait until a resource is there, is gone or has a value',
    operands: [
      { name: 'KIND', offers: 'kinds' },
      { name: 'NAME', offers: 'names' },
    ],
    flags: [
      {
        name: 'for',
        value: 'CONDITION',
        doc: 'create, delete or jsonpath={PATH}=VALUE',
        usual: 'create',
        choices: ['create', 'delete', 'jsonpath='],
      },
      { name: 'timeout', value: 'DURATION', doc: 'How long to wait', usual: '30s' },
      NAMESPACE,
      CONFIG,
    ],
    examples: [['Until a node has an address', "calicoctl wait node host1 --for 'jsonpath={.spec.bgp.ipv4Address}'"]],
    load: async () => (await import('../resource/wait.ts')).runWait,
  },
  {
    path: ['explain'],
    summary: 'Say what a kind is for and what its fields mean',
    operands: [{ name: 'KIND[.FIELD...]', offers: 'kinds' }],
    flags: [],
    examples: [['A field', 'calicoctl explain ippool.spec.blockSize']],
    load: async () => (await import('../resource/explain.ts')).runExplain,
  },
  {
    path: ['completion'],
    summary: 'Print the script that completes words in bash, zsh or fish',
    operands: [{ name: 'SHELL', offers: 'shells' }],
    flags: [],
    examples: [['In this bash', 'source <(calicoctl completion bash)']],
    load: async () => (await import('./complete.ts')).runCompletion,
  },
  {
    path: ['man'],
    summary: 'Print the manual page of a command, in roff',
    operands: [{ name: 'COMMAND', optional: true, many: true, offers: 'commands' }],
    flags: [],
    examples: [['Read one', 'calicoctl man get | man -l -']],
    load: async () => (await import('./manual.ts')).runMan,
  },
  {
    path: ['__complete'],
    summary: 'Print what can come next',
    operands: [{ name: 'ARGUMENT', optional: true, many: true }],
    flags: [],
    hidden: true,
    anyVersion: true,
    load: async () => (await import('./complete.ts')).runComplete,
  },
];
