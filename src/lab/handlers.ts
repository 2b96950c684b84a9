// What the commands of `ocicat lab` do.
import { OcicatError } from '../base/errors.ts';
import { flagOn, flagValue } from '../cli/flags.ts';
import { writeErrorLine, writeLine } from '../sys/output.ts';
import { DEFAULT_NAME, DEFAULT_NODES, DEFAULT_SEGMENTS, type Handler } from './commands.ts';
import { execInside, hostProcess, runInside } from './enter.ts';
import { becomeHost } from './host-init.ts';
import {
  computeLabPlan,
  etcdUrl,
  type LabFamily,
  type LabNode,
  type LabShape,
  parseLabName,
  parseNodeCount,
  parseSegmentCount,
} from './plan.ts';
import { readPlanFile } from './plan-file.ts';
import { fillRegistry } from './services.ts';
import { type LabState, listLabs, readState } from './state.ts';
import { bringDown, bringUp } from './up.ts';

/** The lab that is meant. */
function nameOf(line: Parameters<Handler>[0]): string {
  return parseLabName(flagValue(line, 'name') ?? DEFAULT_NAME);
}

function familiesOf(line: Parameters<Handler>[0]): readonly LabFamily[] {
  const [isIpv6, isDual] = [flagOn(line, 'ipv6'), flagOn(line, 'dual-stack')];
  if (isIpv6 && isDual) throw new OcicatError('invalid', '--ipv6 and --dual-stack: one of the two wanted');
  if (isDual) return ['ipv4', 'ipv6'];
  return isIpv6 ? ['ipv6'] : ['ipv4'];
}

function shapeOf(line: Parameters<Handler>[0]): LabShape {
  const nodes = parseNodeCount(flagValue(line, 'nodes') ?? DEFAULT_NODES);
  const segments = parseSegmentCount(flagValue(line, 'segments') ?? DEFAULT_SEGMENTS, nodes);
  return { nodes, segments, families: familiesOf(line) };
}

export const runUp: Handler = async (line) => {
  const name = nameOf(line);
  const plan = computeLabPlan(name, shapeOf(line));
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

async function describeHost(state: LabState, { name, segment, addresses }: LabNode): Promise<string> {
  const pods = await runInside(hostProcess(state, name), ['rkt', 'list', '--no-legend']);
  const running = pods.stdout.split('\n').filter((line) => /\trunning\t/.test(line)).length;
  return `${name}  segment ${segment}  ${addresses.join(', ')}  ${running} running pods`;
}

export const runStatus: Handler = async (line) => {
  const name = nameOf(line);
  const state = readState(name);
  writeLine(`lab "${name}": up, etcd at ${etcdUrl(state.plan)}`);
  for (const { number, subnets } of state.plan.segments)
    writeLine(`segment ${number}: ${subnets.map(({ range, gateway }) => `${range}, gateway ${gateway}`).join('; ')}`);
  for (const node of state.plan.nodes) writeLine(await describeHost(state, node));
  const others = listLabs().filter((other) => other !== name);
  if (others.length > 0) writeLine(`other labs: ${others.join(', ')}`);
  return 0;
};

export const runExec: Handler = (line) =>
  execInside(hostProcess(readState(nameOf(line)), line.operands[0] ?? ''), line.trailing);

export const runShell: Handler = (line) =>
  execInside(hostProcess(readState(nameOf(line)), line.operands[0] ?? ''), ['/bin/bash', '-i']);

/** Process 1 of a host; started by `up`. */
export const runHostInit: Handler = ({ operands: [host = ''] }) => becomeHost(readPlanFile(), host);

/** Started by `up`, in the namespaces of the services. */
export const runFillRegistry: Handler = async () => {
  await fillRegistry(readPlanFile());
  return 0;
};
