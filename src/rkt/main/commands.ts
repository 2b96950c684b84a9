// The command table: every command's name, options and help, and where its code is. Code is loaded when it is called.
import type { Flag, Operand } from '../../cli/command.ts';
import type { Program } from '../../cli/program.ts';
import { METADATA_PORT } from '../../metadata/address.ts';
import { globalFlags } from '../cli/context.ts';
import { describeFault } from '../cli/faults.ts';
import type { RktCommand } from '../command/command.ts';
import { appFlags } from '../options/app-arguments.ts';
import { prepareFlags, runtimeFlags } from '../options/run-flags.ts';

const noLegend: Flag = {
  name: 'no-legend',
  doc: 'suppress a legend with the list',
};
const format: Flag = {
  name: 'format',
  value: 'VALUE',
  usual: '""',
  doc: "output format: 'json' or 'json-pretty'",
  choices: ['json', 'json-pretty'],
};
const uuidFile: Flag = {
  name: 'uuid-file',
  value: 'VALUE',
  usual: '""',
  doc: 'read pod UUID from file instead of argument',
  isPath: true,
};
const uuidFileSave: Flag = {
  name: 'uuid-file-save',
  value: 'VALUE',
  usual: '""',
  doc: 'write out pod UUID to specified file',
  isPath: true,
};
const full: Flag = { name: 'full', doc: 'use long output format' };
const prettyPrint: Flag = {
  name: 'pretty-print',
  usual: 'true',
  doc: 'apply indent to format the output',
};
const force: Flag = { name: 'force', doc: 'force stopping' };

function wait(name: string, what: string): Flag {
  return {
    name,
    value: 'VALUE',
    bare: 'true',
    usual: 'false',
    doc: `toggle waiting for the pod to ${what}; true, false or a duration`,
  };
}

const fetchFlags: readonly Flag[] = [
  { ...full, doc: 'print the full image hash after fetching' },
  { name: 'no-store', doc: 'deprecated: --pull-policy=update' },
  {
    name: 'pull-policy',
    value: 'VALUE',
    usual: 'update',
    doc: 'when to pull an image: new, update or never',
    choices: ['new', 'update', 'never'],
  },
  { name: 'store-only', doc: 'deprecated: --pull-policy=never' },
];

const gcFlags: readonly Flag[] = [
  {
    name: 'expire-prepared',
    value: 'VALUE',
    usual: '24h0m0s',
    doc: 'duration to wait before expiring prepared pods',
  },
  {
    name: 'grace-period',
    value: 'VALUE',
    usual: '30m0s',
    doc: 'duration to wait before discarding inactive pods from garbage',
  },
  { name: 'mark-only', doc: 'if set to true, do not remove inactive pods' },
];

const imageListFlags: readonly Flag[] = [
  {
    name: 'fields',
    value: 'VALUE',
    usual: 'id,name,size,importtime,lastused',
    doc: 'comma-separated list of fields to display',
  },
  format,
  full,
  noLegend,
  {
    name: 'order',
    value: 'VALUE',
    usual: 'asc',
    doc: 'choose the sorting order: asc or desc',
    choices: ['asc', 'desc'],
  },
  {
    name: 'sort',
    value: 'VALUE',
    usual: 'importtime',
    doc: 'sort by name, importtime, lastused or size',
    choices: ['name', 'importtime', 'lastused', 'size'],
  },
];

const POD: Operand = { name: 'UUID', offers: 'pods' };
const PODS: Operand = { ...POD, optional: true, many: true };
const IMAGE: Operand = { name: 'IMAGE', many: true, offers: 'images', flags: appFlags };

/** In the order in which help shows them. */
const commands: readonly RktCommand[] = [
  {
    path: ['cat-manifest'],
    summary: 'Inspect and print the pod manifest',
    usage: '[--uuid-file=FILE | UUID]',
    flags: [prettyPrint, uuidFile],
    operands: [{ ...POD, optional: true }],
    needsRoot: false,
    load: async () => (await import('../command/cat-manifest.ts')).catManifest,
  },
  {
    path: ['completion'],
    summary: 'Output shell completion code for the specified shell',
    usage: 'bash|zsh|fish',
    flags: [],
    operands: [{ name: 'SHELL', offers: 'shells' }],
    needsRoot: false,
    load: async () => (await import('./complete.ts')).runCompletion,
  },
  {
    path: ['enter'],
    summary: 'Enter the namespaces of an app within a rkt pod',
    usage: '[--app=APPNAME] UUID [CMD [ARGS ...]]',
    flags: [{ name: 'app', value: 'VALUE', usual: '""', doc: 'name of the app to enter within the specified pod' }],
    operands: [POD, { name: 'ARGUMENT', optional: true, many: true }],
    leading: true,
    needsRoot: true,
    load: async () => (await import('../command/enter.ts')).enterPod,
  },
  {
    path: ['fetch'],
    summary: 'Fetch image(s) and store them in the local store',
    usage: 'IMAGE...',
    flags: fetchFlags,
    operands: [{ name: 'IMAGE', many: true, offers: 'files' }],
    needsRoot: true,
    load: async () => (await import('../command/fetch.ts')).fetchImages,
  },
  {
    path: ['gc'],
    summary: 'Garbage collect rkt pods no longer in use',
    usage: '[--grace-period=DURATION] [--expire-prepared=DURATION]',
    flags: gcFlags,
    operands: [],
    needsRoot: true,
    load: async () => (await import('../command/gc.ts')).collectGarbage,
  },
  {
    path: ['help'],
    summary: 'Help about any command',
    usage: '[COMMAND]',
    flags: [],
    operands: [{ name: 'COMMAND', optional: true, many: true, offers: 'commands' }],
    needsRoot: false,
    load: async () => (await import('./help.ts')).showHelp,
  },
  {
    path: ['image', 'list'],
    summary: 'List images in the local store',
    usage: '[--fields=FIELDS] [--sort=FIELD] [--order=ORDER]',
    flags: imageListFlags,
    operands: [],
    needsRoot: true,
    load: async () => (await import('../command/image-list.ts')).listImages,
  },
  {
    path: ['image', 'rm'],
    summary: 'Remove one or more images with the given IDs or image names from the local store',
    usage: 'IMAGE...',
    flags: [],
    operands: [{ name: 'IMAGE', many: true, offers: 'images' }],
    needsRoot: true,
    load: async () => (await import('../command/image-rm.ts')).removeImages,
  },
  {
    path: ['list'],
    summary: 'List pods',
    usage: '[--full] [--no-legend] [--format=FORMAT]',
    flags: [format, full, noLegend],
    operands: [],
    needsRoot: false,
    load: async () => (await import('../command/list.ts')).listPods,
  },
  {
    path: ['metadata-service'],
    summary: 'Run metadata service',
    usage: '[--listen-port=PORT]',
    flags: [{ name: 'listen-port', value: 'VALUE', usual: String(METADATA_PORT), doc: 'listen port' }],
    operands: [],
    needsRoot: true,
    load: async () => (await import('../command/metadata-service.ts')).serveMetadata,
  },
  {
    path: ['prepare'],
    summary: 'Prepare to run image(s) in a pod in rkt',
    usage:
      '[--volume=NAME,kind=host,...] [--mount volume=VOL,target=PATH] IMAGE [IMAGE OPTS] [-- image-args...[---]]...',
    flags: [
      ...prepareFlags,
      {
        name: 'quiet',
        doc: 'suppress superfluous output on stderr, print only the UUID',
      },
    ],
    operands: [IMAGE],
    needsRoot: true,
    load: async () => (await import('../command/prepare.ts')).prepare,
  },
  {
    path: ['rm'],
    summary: 'Remove all files and resources associated with an exited pod',
    usage: '[--uuid-file=FILE] UUID ...',
    flags: [uuidFile],
    operands: [PODS],
    needsRoot: true,
    load: async () => (await import('../command/rm.ts')).removePods,
  },
  {
    path: ['run'],
    summary: 'Run image(s) in a pod in rkt',
    usage:
      '[--volume=NAME,kind=host,...] [--mount volume=VOL,target=PATH] IMAGE [IMAGE OPTS] [-- image-args...[---]]...',
    flags: [...prepareFlags, ...runtimeFlags, uuidFileSave],
    operands: [IMAGE],
    needsRoot: true,
    load: async () => (await import('../command/run.ts')).run,
  },
  {
    path: ['run-prepared'],
    summary: 'Run a prepared application pod in rkt',
    usage: '[--net] UUID',
    flags: runtimeFlags,
    operands: [POD],
    needsRoot: true,
    load: async () => (await import('../command/run-prepared.ts')).runPrepared,
  },
  {
    path: ['status'],
    summary: 'Check the status of a rkt pod',
    usage: '[--wait] [--uuid-file=FILE | UUID]',
    flags: [format, uuidFile, wait('wait', 'exit'), wait('wait-ready', 'be ready')],
    operands: [{ ...POD, optional: true }],
    needsRoot: false,
    load: async () => (await import('../command/status.ts')).showStatus,
  },
  {
    path: ['stop'],
    summary: 'Stop a pod',
    usage: '[--force] [--uuid-file=FILE | UUID ...]',
    flags: [force, uuidFile],
    operands: [PODS],
    needsRoot: false,
    load: async () => (await import('../command/stop.ts')).stopPods,
  },
  {
    path: ['version'],
    summary: 'Print the version and exit',
    usage: '',
    flags: [],
    operands: [],
    needsRoot: false,
    load: async () => (await import('../command/version.ts')).printVersion,
  },
  {
    path: ['__complete'],
    summary: 'Print what can come next',
    usage: '[ARGUMENT...]',
    flags: [],
    operands: [{ name: 'ARGUMENT', optional: true, many: true }],
    leading: true,
    hidden: true,
    needsRoot: false,
    load: async () => (await import('./complete.ts')).runComplete,
  },
];

export const rkt: Program<RktCommand> = {
  name: 'rkt',
  commands,
  globalFlags,
  assigns: '=',
  sortsFlags: true,
  describeFault,
};
