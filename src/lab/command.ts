// `ocicat lab`: several hosts on one machine, to learn on and to test with.
import { parseArgs } from 'node:util';
import { describeError, OcicatError } from '../base/errors.ts';
import { complain, sayLine } from '../sys/output.ts';
import { ABOUT_LABS, formatLabUsage, labCommands, NAME, NODES } from './commands.ts';
import { execInside, hostProcess, runInside } from './enter.ts';
import { becomeHost } from './host-init.ts';
import { computeLabPlan, ETCD_URL, parseLabName, parseNodeCount } from './plan.ts';
import { fillRegistry } from './services.ts';
import { type LabState, listLabs, readState } from './state.ts';
import { bringDown, bringUp } from './up.ts';

/** The usages, and what each does. */
function formatHelp(): string {
  const usages = labCommands.map((command) => [formatLabUsage(command), command.summary] as const);
  const width = Math.max(...usages.map(([usage]) => usage.length)) + 2;
  const lines = usages.map(([usage, summary]) => `  ${usage.padEnd(width)}${summary}`);
  return [
    'Several hosts on one machine, with etcd, a registry and calico-node on each.',
    ['Usage:', ...lines].join('\n'),
    ABOUT_LABS.join('\n'),
  ].join('\n\n');
}

interface Arguments {
  readonly name: string;
  readonly nodes: number;
  readonly words: readonly string[];
  readonly command: readonly string[];
}

/** Words of the commands that this program calls itself have no options. */
function parseLabArguments(verb: string, argv: readonly string[]): Arguments {
  const command = labCommands.find((one) => one.verb === verb);
  const end = argv.indexOf('--');
  const own = end < 0 ? argv : argv.slice(0, end);
  const options = Object.fromEntries((command?.options ?? []).map(({ name }) => [name, { type: 'string' as const }]));
  try {
    const { values, positionals } = parseArgs({ args: [...own], options, allowPositionals: true });
    const { name = NAME.usual, nodes = NODES.usual } = values;
    const words = { words: positionals, command: end < 0 ? [] : argv.slice(end + 1) };
    return { name: parseLabName(name), nodes: parseNodeCount(nodes), ...words };
  } catch (cause) {
    if (cause instanceof OcicatError) throw cause;
    throw new OcicatError(
      'invalid',
      `${cause instanceof Error ? cause.message : String(cause)} (see "ocicat lab --help")`,
    );
  }
}

function oneNode(args: Arguments, usage: string): string {
  const [node, ...rest] = args.words;
  if (node !== undefined && rest.length === 0) return node;
  throw new OcicatError('invalid', `usage: ocicat lab ${usage}`);
}

function noWords(args: Arguments): void {
  if (args.words.length > 0)
    throw new OcicatError('invalid', `unexpected "${args.words[0]}" (see "ocicat lab --help")`);
}

async function up(args: Arguments): Promise<number> {
  noWords(args);
  const abort = new AbortController();
  const stop = () => abort.abort(new OcicatError('aborted', 'interrupted'));
  process.on('SIGINT', stop).on('SIGTERM', stop); // also the second and third time: what was begun is taken down first
  const state = await bringUp(computeLabPlan(args.name, args.nodes), (line) => complain(`lab: ${line}`), abort.signal);
  const flag = args.name === 'default' ? '' : ` --name ${args.name}`;
  sayLine(`lab "${args.name}" is up: ${state.plan.nodes.map((node) => node.name).join(', ')}`);
  sayLine(`a shell on a host: ocicat lab shell${flag} ${state.plan.nodes[0]?.name ?? ''}`);
  return 0;
}

async function down(args: Arguments): Promise<number> {
  noWords(args);
  sayLine((await bringDown(args.name)) ? `lab "${args.name}" is down` : `lab "${args.name}" was not up`);
  return 0;
}

async function describeHost(state: LabState, name: string, address: string): Promise<string> {
  const pods = await runInside(hostProcess(state, name), ['rkt', 'list', '--no-legend']);
  const running = pods.stdout.split('\n').filter((line) => /\trunning\t/.test(line)).length;
  return `${name}  ${address}  ${running} running pods`;
}

async function status(args: Arguments): Promise<number> {
  noWords(args);
  const state = readState(args.name);
  sayLine(`lab "${args.name}": up, etcd at ${ETCD_URL} on the hosts' segment`);
  for (const node of state.plan.nodes) sayLine(await describeHost(state, node.name, node.address));
  const others = listLabs().filter((name) => name !== args.name);
  if (others.length > 0) sayLine(`other labs: ${others.join(', ')}`);
  return 0;
}

function exec(args: Arguments): number {
  const usage = 'exec [--name LAB] NODE -- COMMAND…';
  const node = oneNode(args, usage);
  if (args.command.length === 0) throw new OcicatError('invalid', `usage: ocicat lab ${usage}`);
  return execInside(hostProcess(readState(args.name), node), args.command);
}

function shell(args: Arguments): number {
  const node = oneNode(args, 'shell [--name LAB] NODE');
  return execInside(hostProcess(readState(args.name), node), ['/bin/bash', '-i']);
}

/** Process 1 of a host; started by `up`. */
function hostInit(args: Arguments): number {
  const [host = '', lab = '', nodes = ''] = args.words;
  return becomeHost(computeLabPlan(parseLabName(lab), parseNodeCount(nodes)), host);
}

const verbs: Readonly<Record<string, (args: Arguments) => number | Promise<number>>> = {
  up,
  down,
  status,
  exec,
  shell,
  'host-init': hostInit,
  'fill-registry': async () => {
    await fillRegistry();
    return 0;
  },
};

/** Runs `ocicat lab ARGV…`; returns the exit status: 0, 1 for a failure, 2 for a usage error. */
export async function runLab(argv: readonly string[]): Promise<number> {
  const [verb, ...rest] = argv;
  if (verb === undefined || verb === 'help' || (argv.includes('--help', 0) && !argv.includes('--'))) {
    sayLine(formatHelp());
    return verb === undefined ? 2 : 0;
  }
  const run = verbs[verb];
  if (run === undefined) {
    complain(`lab: unknown command "${verb}" (see "ocicat lab --help")`);
    return 2;
  }
  if (process.getuid?.() !== 0) {
    complain('lab: hosts need root: run it with sudo');
    return 1;
  }
  try {
    return await run(parseLabArguments(verb, rest));
  } catch (error) {
    complain(`lab: ${describeError(error)}`);
    return error instanceof OcicatError && error.code === 'invalid' ? 2 : 1;
  }
}
