// What the commands of `ocicat lab` do.
import { OcicatError } from '../base/errors.ts';
import { flagValue } from '../cli/flags.ts';
import { writeErrorLine, writeLine } from '../sys/output.ts';
import { DEFAULT_NAME, DEFAULT_NODES, type Handler } from './commands.ts';
import { execInside, hostProcess, runInside } from './enter.ts';
import { becomeHost } from './host-init.ts';
import { computeLabPlan, ETCD_URL, parseLabName, parseNodeCount } from './plan.ts';
import { fillRegistry } from './services.ts';
import { type LabState, listLabs, readState } from './state.ts';
import { bringDown, bringUp } from './up.ts';

/** The lab that is meant. */
function nameOf(line: Parameters<Handler>[0]): string {
  return parseLabName(flagValue(line, 'name') ?? DEFAULT_NAME);
}

export const runUp: Handler = async (line) => {
  const name = nameOf(line);
  const plan = computeLabPlan(name, parseNodeCount(flagValue(line, 'nodes') ?? DEFAULT_NODES));
  const abort = new AbortController();
  const stop = () => abort.abort(new OcicatError('aborted', 'interrupted'));
  process.on('SIGINT', stop).on('SIGTERM', stop); // also the second and third time: what was begun is taken down first
  const state = await bringUp(plan, (text) => writeErrorLine(`lab: ${text}`), abort.signal);
  const flag = name === DEFAULT_NAME ? '' : ` --name ${name}`;
  writeLine(`lab "${name}" is up: ${state.plan.nodes.map((node) => node.name).join(', ')}`);
  writeLine(`a shell on a host: ocicat lab shell${flag} ${state.plan.nodes[0]?.name ?? ''}`);
  return 0;
};

export const runDown: Handler = async (line) => {
  const name = nameOf(line);
  writeLine((await bringDown(name)) ? `lab "${name}" is down` : `lab "${name}" was not up`);
  return 0;
};

async function describeHost(state: LabState, name: string, address: string): Promise<string> {
  const pods = await runInside(hostProcess(state, name), ['rkt', 'list', '--no-legend']);
  const running = pods.stdout.split('\n').filter((line) => /\trunning\t/.test(line)).length;
  return `${name}  ${address}  ${running} running pods`;
}

export const runStatus: Handler = async (line) => {
  const name = nameOf(line);
  const state = readState(name);
  writeLine(`lab "${name}": up, etcd at ${ETCD_URL} on the hosts' segment`);
  for (const node of state.plan.nodes) writeLine(await describeHost(state, node.name, node.address));
  const others = listLabs().filter((other) => other !== name);
  if (others.length > 0) writeLine(`other labs: ${others.join(', ')}`);
  return 0;
};

export const runExec: Handler = (line) =>
  execInside(hostProcess(readState(nameOf(line)), line.operands[0] ?? ''), line.trailing);

export const runShell: Handler = (line) =>
  execInside(hostProcess(readState(nameOf(line)), line.operands[0] ?? ''), ['/bin/bash', '-i']);

/** Process 1 of a host; started by `up`. */
export const runHostInit: Handler = ({ operands: [host = '', lab = '', nodes = ''] }) =>
  becomeHost(computeLabPlan(parseLabName(lab), parseNodeCount(nodes)), host);

/** Started by `up`, in the namespaces of the services. */
export const runFillRegistry: Handler = async () => {
  await fillRegistry();
  return 0;
};
