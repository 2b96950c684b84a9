// The command table: every command's name, options and help, and where its code is. Code is loaded when it is called.
import { METADATA_PORT } from '../../metadata/place.ts';
import type { FlagSpec } from '../cli/flags.ts';
import type { Command } from '../command/command.ts';
import { prepareFlags, runtimeFlags } from '../options/run-flags.ts';

const noLegend: FlagSpec = {
  name: 'no-legend',
  takes: 'boolean',
  initial: 'false',
  help: 'suppress a legend with the list',
};
const format: FlagSpec = {
  name: 'format',
  takes: 'text',
  initial: '""',
  help: "output format: 'json' or 'json-pretty'",
};
const uuidFile: FlagSpec = {
  name: 'uuid-file',
  takes: 'text',
  initial: '""',
  help: 'read pod UUID from file instead of argument',
};
const uuidFileSave: FlagSpec = {
  name: 'uuid-file-save',
  takes: 'text',
  initial: '""',
  help: 'write out pod UUID to specified file',
};
const full: FlagSpec = { name: 'full', takes: 'boolean', initial: 'false', help: 'use long output format' };
const prettyPrint: FlagSpec = {
  name: 'pretty-print',
  takes: 'boolean',
  initial: 'true',
  help: 'apply indent to format the output',
};
const force: FlagSpec = { name: 'force', takes: 'boolean', initial: 'false', help: 'force stopping' };

function wait(name: string, what: string): FlagSpec {
  return {
    name,
    takes: 'optional',
    bare: 'true',
    initial: 'false',
    help: `toggle waiting for the pod to ${what}; true, false or a duration`,
  };
}

const fetchFlags: readonly FlagSpec[] = [
  { ...full, help: 'print the full image hash after fetching' },
  { name: 'no-store', takes: 'boolean', initial: 'false', help: 'deprecated: --pull-policy=update' },
  { name: 'pull-policy', takes: 'text', initial: 'update', help: 'when to pull an image: new, update or never' },
  { name: 'store-only', takes: 'boolean', initial: 'false', help: 'deprecated: --pull-policy=never' },
];

const gcFlags: readonly FlagSpec[] = [
  {
    name: 'expire-prepared',
    takes: 'text',
    initial: '24h0m0s',
    help: 'duration to wait before expiring prepared pods',
  },
  {
    name: 'grace-period',
    takes: 'text',
    initial: '30m0s',
    help: 'duration to wait before discarding inactive pods from garbage',
  },
  { name: 'mark-only', takes: 'boolean', initial: 'false', help: 'if set to true, do not remove inactive pods' },
];

const imageListFlags: readonly FlagSpec[] = [
  {
    name: 'fields',
    takes: 'text',
    initial: 'id,name,size,importtime,lastused',
    help: 'comma-separated list of fields to display',
  },
  format,
  full,
  noLegend,
  { name: 'order', takes: 'text', initial: 'asc', help: 'choose the sorting order: asc or desc' },
  { name: 'sort', takes: 'text', initial: 'importtime', help: 'sort by name, importtime, lastused or size' },
];

/** In the order in which help shows them. */
export const commands: readonly Command[] = [
  {
    name: ['cat-manifest'],
    summary: 'Inspect and print the pod manifest',
    usage: '[--uuid-file=FILE | UUID]',
    flags: [prettyPrint, uuidFile],
    reads: 'mixed',
    needsRoot: false,
    load: async () => (await import('../command/cat-manifest.ts')).catManifest,
  },
  {
    name: ['completion'],
    summary: 'Output shell completion code for the specified shell',
    usage: 'bash',
    flags: [],
    reads: 'mixed',
    needsRoot: false,
    load: async () => (await import('./completion.ts')).printCompletion,
  },
  {
    name: ['enter'],
    summary: 'Enter the namespaces of an app within a rkt pod',
    usage: '[--app=APPNAME] UUID [CMD [ARGS ...]]',
    flags: [{ name: 'app', takes: 'text', initial: '""', help: 'name of the app to enter within the specified pod' }],
    reads: 'leading',
    needsRoot: true,
    load: async () => (await import('../command/enter.ts')).enterPod,
  },
  {
    name: ['fetch'],
    summary: 'Fetch image(s) and store them in the local store',
    usage: 'IMAGE...',
    flags: fetchFlags,
    reads: 'mixed',
    needsRoot: true,
    load: async () => (await import('../command/fetch.ts')).fetchImages,
  },
  {
    name: ['gc'],
    summary: 'Garbage collect rkt pods no longer in use',
    usage: '[--grace-period=DURATION] [--expire-prepared=DURATION]',
    flags: gcFlags,
    reads: 'mixed',
    needsRoot: true,
    load: async () => (await import('../command/gc.ts')).collectGarbage,
  },
  {
    name: ['help'],
    summary: 'Help about any command',
    usage: '[COMMAND]',
    flags: [],
    reads: 'mixed',
    needsRoot: false,
    load: async () => (await import('./help.ts')).showHelp,
  },
  {
    name: ['image', 'list'],
    summary: 'List images in the local store',
    usage: '[--fields=FIELDS] [--sort=FIELD] [--order=ORDER]',
    flags: imageListFlags,
    reads: 'mixed',
    needsRoot: true,
    load: async () => (await import('../command/image-list.ts')).listImages,
  },
  {
    name: ['image', 'rm'],
    summary: 'Remove one or more images with the given IDs or image names from the local store',
    usage: 'IMAGE...',
    flags: [],
    reads: 'mixed',
    needsRoot: true,
    load: async () => (await import('../command/image-rm.ts')).removeImages,
  },
  {
    name: ['list'],
    summary: 'List pods',
    usage: '[--full] [--no-legend] [--format=FORMAT]',
    flags: [format, full, noLegend],
    reads: 'mixed',
    needsRoot: false,
    load: async () => (await import('../command/list.ts')).listPods,
  },
  {
    name: ['metadata-service'],
    summary: 'Run metadata service',
    usage: '[--listen-port=PORT]',
    flags: [{ name: 'listen-port', takes: 'text', initial: String(METADATA_PORT), help: 'listen port' }],
    reads: 'mixed',
    needsRoot: true,
    load: async () => (await import('../command/metadata-service.ts')).serveMetadata,
  },
  {
    name: ['prepare'],
    summary: 'Prepare to run image(s) in a pod in rkt',
    usage:
      '[--volume=NAME,kind=host,...] [--mount volume=VOL,target=PATH] IMAGE [IMAGE OPTS] [-- image-args...[---]]...',
    flags: [
      ...prepareFlags,
      {
        name: 'quiet',
        takes: 'boolean',
        initial: 'false',
        help: 'suppress superfluous output on stderr, print only the UUID',
      },
    ],
    reads: 'apps',
    needsRoot: true,
    load: async () => (await import('../command/prepare.ts')).prepare,
  },
  {
    name: ['rm'],
    summary: 'Remove all files and resources associated with an exited pod',
    usage: '[--uuid-file=FILE] UUID ...',
    flags: [uuidFile],
    reads: 'mixed',
    needsRoot: true,
    load: async () => (await import('../command/rm.ts')).removePods,
  },
  {
    name: ['run'],
    summary: 'Run image(s) in a pod in rkt',
    usage:
      '[--volume=NAME,kind=host,...] [--mount volume=VOL,target=PATH] IMAGE [IMAGE OPTS] [-- image-args...[---]]...',
    flags: [...prepareFlags, ...runtimeFlags, uuidFileSave],
    reads: 'apps',
    needsRoot: true,
    load: async () => (await import('../command/run.ts')).run,
  },
  {
    name: ['run-prepared'],
    summary: 'Run a prepared application pod in rkt',
    usage: '[--net] UUID',
    flags: runtimeFlags,
    reads: 'mixed',
    needsRoot: true,
    load: async () => (await import('../command/run-prepared.ts')).runPrepared,
  },
  {
    name: ['status'],
    summary: 'Check the status of a rkt pod',
    usage: '[--wait] [--uuid-file=FILE | UUID]',
    flags: [format, uuidFile, wait('wait', 'exit'), wait('wait-ready', 'be ready')],
    reads: 'mixed',
    needsRoot: false,
    load: async () => (await import('../command/status.ts')).showStatus,
  },
  {
    name: ['stop'],
    summary: 'Stop a pod',
    usage: '[--force] [--uuid-file=FILE | UUID ...]',
    flags: [force, uuidFile],
    reads: 'mixed',
    needsRoot: false,
    load: async () => (await import('../command/stop.ts')).stopPods,
  },
  {
    name: ['version'],
    summary: 'Print the version and exit',
    usage: '',
    flags: [],
    reads: 'mixed',
    needsRoot: false,
    load: async () => (await import('../command/version.ts')).printVersion,
  },
];
