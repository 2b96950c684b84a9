// CHECK: is the container still connected as ADD left it - store, addresses, link, routes - and as the runtime remembers it?
import { type Issue, OcicatError } from '../base/errors.ts';
import { parseBlock } from '../blocks/block-json.ts';
import { addressesOfHandle } from '../blocks/release.ts';
import { delegate, withAnswer } from '../cni/invoke/delegate.ts';
import { holderNetworkOf, isAsAsked } from '../cni/spec/attached-networks.ts';
import { OWN_IPAM } from '../cni/spec/config.ts';
import { printKey } from '../datastore/keys.ts';
import { parseHandle } from '../ipam/handle.ts';
import type { WorkloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import { formatIp, type Ip } from '../net/ip.ts';
import { addressesOf, attachmentOf, endpointsOf, findEndpoint } from './endpoint.ts';
import { tryRecallEndpoint } from './endpoint-files.ts';
import { linkSpecOf } from './link.ts';
import type { LocalEndpoint } from './memory.ts';
import { type CniTask, handleOf } from './task.ts';

/** Addresses that are held under a handle, read from the store now. */
export async function observeHeld({ context, signal }: CniTask, handleId: string): Promise<readonly Ip[]> {
  const { datastore } = context;
  const { kv } = await datastore.get(printKey({ kind: 'handle', handleId }), signal);
  const held: Ip[] = [];
  for (const cidr of parseHandle(kv?.value).keys()) {
    const block = await datastore.get(printKey({ kind: 'block', cidr }), signal);
    if (block.kv !== undefined)
      held.push(...addressesOfHandle(parseBlock(block.kv.value), handleId).map(({ ip }) => ip));
  }
  return held;
}

/** One issue for each wanted address that is not found. */
export function missingAddresses(path: string, wanted: readonly Ip[], found: readonly Ip[]): readonly Issue[] {
  const formatted = found.length === 0 ? 'nothing' : found.map(formatIp).join(', ');
  return wanted.filter((ip) => !found.includes(ip)).map((ip) => ({ path, found: formatted, wanted: formatIp(ip) }));
}

/** Addresses of the runtime's own record that concern the container. */
function previousAddresses({ request }: CniTask): readonly Ip[] {
  return (request.config.previous?.addresses ?? []).map(({ address }) => address.address);
}

/** Whether the runtime's record of the interfaces is of this link; before CNI 0.3.0 a record has none. */
function checkPreviousInterfaces({ request }: CniTask, { spec }: WorkloadEndpoint): readonly Issue[] {
  const interfaces = request.config.previous?.interfaces ?? [];
  if (interfaces.length === 0) return [];
  const path = 'prevResult.interfaces';
  const names = interfaces.map(({ name }) => name).join(', ');
  const inPod = interfaces.find(({ name, sandbox }) => sandbox !== undefined && name === spec.endpoint);
  const onHost = interfaces.some(({ name, sandbox }) => sandbox === undefined && name === spec.interfaceName);
  const mac = inPod?.mac?.toLowerCase();
  return [
    ...(inPod === undefined ? [{ path, found: names, wanted: `"${spec.endpoint}" in the container` }] : []),
    ...(onHost ? [] : [{ path, found: names, wanted: `"${spec.interfaceName}" on the host` }]),
    ...(mac === undefined || mac === spec.mac ? [] : [{ path: `${path}.mac`, found: mac, wanted: `${spec.mac}` }]),
  ];
}

async function checkAddresses(task: CniTask, endpoint: WorkloadEndpoint): Promise<readonly Issue[]> {
  const { context, request, call, signal } = task;
  if (request.config.ipam.type !== OWN_IPAM) {
    const { supplied } = tryRecallEndpoint(context.endpointFolder, attachmentOf(endpoint)) ?? {};
    await delegate(request, withAnswer(call, supplied), 'CHECK', signal);
    return [];
  }
  const network = holderNetworkOf(endpoint) ?? request.config.name;
  const held = await observeHeld(task, handleOf(network, request.environment.containerId));
  return missingAddresses('addresses in their blocks', addressesOf(endpoint), held);
}

export function throwDifferences(containerId: string, issues: readonly Issue[]): void {
  if (issues.length === 0) return;
  throw new OcicatError('not-found', `check container "${containerId}": it is not as ADD left it`, { issues });
}

/** The interface's own endpoint, or the one that the network shares. */
function findChecked({ context, request }: CniTask): LocalEndpoint | undefined {
  const { memory } = context;
  const own = findEndpoint(memory, request.environment);
  const shared = endpointsOf(memory, request.environment.containerId).find(({ endpoint }) =>
    isAsAsked(endpoint, request),
  );
  return own ?? shared;
}

/** Throws `not-found` with every difference. */
export async function checkContainer(task: CniTask): Promise<void> {
  const { context, request } = task;
  const { containerId, interfaceName } = request.environment;
  const before = findChecked(task);
  if (before !== undefined) await context.links.follow?.(before.endpoint.spec.interfaceName);
  const known = findChecked(task);
  if (known === undefined)
    throw new OcicatError(
      'not-found',
      `check container "${containerId}": its interface "${interfaceName}" has no endpoint in the datastore`,
    );
  const { endpoint } = known;
  const found = endpoint.spec.profiles?.join(', ') || 'nothing';
  throwDifferences(containerId, [
    ...(isAsAsked(endpoint, request) ? [] : [{ path: 'profiles', found, wanted: request.config.name }]),
    ...missingAddresses('prevResult', previousAddresses(task), addressesOf(endpoint)),
    ...checkPreviousInterfaces(task, endpoint),
    ...(await checkAddresses(task, endpoint)),
    ...context.links.check(linkSpecOf(task, endpoint)),
  ]);
}
