// CHECK: is the workload still attached as ADD left it - store, addresses, link, routes - and as its client remembers it?
import { type Issue, OcicatError } from '../base/errors.ts';
import { parseBlock } from '../blocks/block-json.ts';
import { addressesOfHandle } from '../blocks/release.ts';
import { printKey } from '../datastore/keys.ts';
import { parseHandle } from '../ipam/handle.ts';
import type { WorkloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import { formatIp, type Ip } from '../net/ip.ts';
import { attachedNetworkOf, holderNetworkOf, isAsAsked } from './endpoint/attached-networks.ts';
import { addressesOf, attachmentOf } from './endpoint/endpoint.ts';
import { tryRecallEndpoint } from './endpoint/endpoint-files.ts';
import type { LocalEndpoint } from './endpoint/endpoint-index.ts';
import { findLink } from './find-link.ts';
import { missingPorts } from './host-ports.ts';
import { linkSpecOf } from './link.ts';
import { handleOf, type Operation, type OperationContext } from './operation.ts';
import type { CheckOutcome, CheckRequest } from './request.ts';

type Check = Operation<CheckRequest>;

/** Addresses that are held under a handle, read from the store now. */
export async function observeHeld(
  { context: { datastore }, signal }: OperationContext,
  handleId: string,
): Promise<readonly Ip[]> {
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
export function missingAddresses(path: string, wanted: readonly Ip[], actual: readonly Ip[]): readonly Issue[] {
  const formatted = actual.length === 0 ? 'nothing' : actual.map(formatIp).join(', ');
  return wanted.filter((ip) => !actual.includes(ip)).map((ip) => ({ path, found: formatted, wanted: formatIp(ip) }));
}

async function checkHeld(operation: Check, endpoint: WorkloadEndpoint): Promise<readonly Issue[]> {
  const { context, request, signal } = operation;
  if (request.provider !== undefined) {
    const { supplied } = tryRecallEndpoint(context.endpointFolder, attachmentOf(endpoint)) ?? {};
    await request.provider.check(supplied, signal);
    return [];
  }
  const network = holderNetworkOf(endpoint) ?? request.network;
  const held = await observeHeld(operation, handleOf(network, request.attachment.containerId));
  return missingAddresses('addresses in their blocks', addressesOf(endpoint), held);
}

export function throwDifferences(containerId: string, issues: readonly Issue[]): void {
  if (issues.length === 0) return;
  throw new OcicatError('not-found', `check container "${containerId}": it is not as ADD left it`, { issues });
}

/** The interface's own endpoint, or the one that the network shares. */
function findChecked({ context: { cache }, request }: Check): LocalEndpoint | undefined {
  const asked = attachedNetworkOf(request);
  const shared = cache.endpointsOf(request.attachment.containerId).find(({ endpoint }) => isAsAsked(endpoint, asked));
  return cache.findEndpoint(request.attachment) ?? shared;
}

/** Without an endpoint. Another provider's books are not ours to read: it may hold something. */
async function hasLeftovers(operation: Check): Promise<boolean> {
  const { network, attachment, provider } = operation.request;
  if (provider !== undefined || findLink(operation) !== undefined) return true;
  return (await observeHeld(operation, handleOf(network, attachment.containerId))).length > 0;
}

async function checkUnknown(operation: Check): Promise<CheckOutcome> {
  const { containerId, interfaceName } = operation.request.attachment;
  if (!(await hasLeftovers(operation))) return 'unknown';
  throw new OcicatError(
    'not-found',
    `check container "${containerId}": its interface "${interfaceName}" has no endpoint in the datastore`,
  );
}

/** Throws `not-found` with every difference, and `kernel` when the endpoint's rules are not in the kernel. */
export async function checkWorkload(operation: Check): Promise<CheckOutcome> {
  const { context, request, signal } = operation;
  const { containerId } = request.attachment;
  const before = findChecked(operation);
  if (before !== undefined) await context.links.follow?.(before.endpoint.spec.interfaceName);
  const known = findChecked(operation);
  if (known === undefined) return checkUnknown(operation);
  const { endpoint } = known;
  const found = endpoint.spec.profiles?.join(', ') || 'nothing';
  const isThere = isAsAsked(endpoint, attachedNetworkOf(request));
  throwDifferences(containerId, [
    ...(isThere ? [] : [{ path: 'profiles', found, wanted: request.network }]),
    ...missingPorts(request, endpoint),
    ...request.compare(endpoint),
    ...(await checkHeld(operation, endpoint)),
    ...context.links.check(linkSpecOf(operation, endpoint)),
  ]);
  await context.policyApplied(endpoint, known.modRevision, signal);
  return 'attached';
}
