// Brings a lab up, or down: hosts with agents, where the guide begins.
import { readFileSync } from 'node:fs';
import { OcicatError } from '../base/errors.ts';
import type { ProcessIdentity } from '../sys/processes.ts';
import { removeLabGroups } from './cgroups.ts';
import { mustRunInside } from './enter.ts';
import { program } from './install.ts';
import { prepareAgentDirectories, startAgent, waitForAgent } from './node-agent.ts';
import { formatShape, type LabNode, type LabPlan } from './plan.ts';
import { startNamespaces, startSegments } from './segment.ts';
import { startEtcd, startRegistry } from './services.ts';
import { endLab, type LabState, lockLab, removeState, tryReadProcesses, tryReadState, writeState } from './state.ts';
import { printUplinkScript, segmentOf } from './underlay.ts';

export type WriteLine = (line: string) => void;

/** The process's number as the lab's own PID namespace has it. */
function pidInLab(process: ProcessIdentity): string {
  const line = /^NSpid:\s+(.+)$/m.exec(readFileSync(`/proc/${process.pid}/status`, 'utf8'))?.[1];
  const pid = line?.split(/\s+/).at(-2);
  if (pid === undefined) throw new OcicatError('internal', `process ${process.pid}: not in a lab's PID namespace`);
  return pid;
}

async function connectHost(init: ProcessIdentity, host: ProcessIdentity, plan: LabPlan, node: LabNode): Promise<void> {
  const port = `up-${node.name}`;
  const veth = ['ip', 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pidInLab(host)];
  await mustRunInside(init, veth);
  await mustRunInside(init, ['ip', 'link', 'set', port, 'master', segmentOf(plan, node).bridge, 'up']);
  await mustRunInside(host, ['/bin/sh', '-c', printUplinkScript(plan, node)]);
}

async function startHost(init: ProcessIdentity, plan: LabPlan, node: LabNode): Promise<ProcessIdentity> {
  const entry = ['nsenter', `--target=${init.pid}`, '--mount', '--uts', '--ipc', '--net', '--pid', '--'];
  const command = [program('ocicat'), 'lab', 'host-init', node.name];
  const host = await startNamespaces(entry, command);
  await connectHost(init, host, plan, node);
  await prepareAgentDirectories(host);
  return host;
}

async function build(
  plan: LabPlan,
  init: ProcessIdentity,
  writeLine: WriteLine,
  signal: AbortSignal,
): Promise<LabState> {
  writeState({ plan, init, hosts: {}, complete: false });
  writeLine(`starting etcd and the registry, and hosts ${plan.nodes.map((node) => node.name).join(', ')}`);
  const [hosts] = await Promise.all([
    Promise.all(plan.nodes.map(async (node) => [node.name, await startHost(init, plan, node)] as const)),
    startEtcd(init, plan),
    startRegistry(init, plan),
  ]);
  const state = { plan, init, hosts: Object.fromEntries(hosts), complete: false };
  writeState(state);
  signal.throwIfAborted();
  writeLine('starting calico-node on each host');
  await Promise.all(plan.nodes.map((node) => startAgent(state, node)));
  await Promise.all(plan.nodes.map((node) => waitForAgent(state, node, plan.nodes.length - 1, signal)));
  const complete = { ...state, complete: true };
  writeState(complete);
  return complete;
}

/** What the kernel does not take with the lab's first process. */
function removeTraces(name: string): void {
  removeState(name);
  removeLabGroups(name);
}

/**
 * Brings the lab up, or leaves it as it is when it is up already; a failure or an abort on the way leaves nothing behind.
 * What a killed `up` has left makes room first.
 */
export async function bringUp(plan: LabPlan, writeLine: WriteLine, signal: AbortSignal): Promise<LabState> {
  const lock = lockLab(plan.name);
  try {
    const running = tryReadState(plan.name);
    if (running?.complete === true) return requireSamePlan(running, plan);
    if (running !== undefined) await endLab(running.init, plan.name, 10_000);
    removeTraces(plan.name);
    const init = await startSegments(plan);
    try {
      return await build(plan, init, writeLine, signal);
    } catch (error) {
      await endLab(init, plan.name, 10_000);
      removeTraces(plan.name);
      throw error;
    }
  } finally {
    lock.release();
  }
}

function requireSamePlan(running: LabState, plan: LabPlan): LabState {
  const shape = formatShape(running.plan);
  if (shape === formatShape(plan)) return running;
  throw new OcicatError('already-exists', `lab "${plan.name}": it is up with ${shape}; "ocicat lab down" first`);
}

/** Ends the lab and removes its traces. False when it was not up. */
export async function bringDown(name: string): Promise<boolean> {
  const lock = lockLab(name);
  try {
    const init = tryReadProcesses(name)?.init;
    if (init !== undefined) await endLab(init, name, 10_000);
    removeTraces(name);
    return init !== undefined;
  } finally {
    lock.release();
  }
}
