// GC: what belongs to workloads that the client does not have any more is removed.
import { isOcicatError, OcicatError } from '../base/errors.ts';
import { attributeAt, heldOrdinals } from '../blocks/block.ts';
import { parseBlock } from '../blocks/block-json.ts';
import { BLOCKS_PREFIX } from '../datastore/keys.ts';
import type { Attachment } from '../model/endpoint/workload-endpoint-name.ts';
import { holderNetworkOf, networksOf } from './endpoint/attached-networks.ts';
import { attachmentOf } from './endpoint/endpoint.ts';
import type { Operation } from './operation.ts';
import { remove } from './remove.ts';
import type { CollectRequest } from './request.ts';

type Collect = Operation<CollectRequest>;

function isValid({ valid }: CollectRequest, { containerId, interfaceName }: Attachment): boolean {
  return valid.some((one) => one.containerId === containerId && one.interfaceName === interfaceName);
}

/** Attachments to the network that endpoints know of. */
function endpointAttachments({ context, request }: Collect): readonly Attachment[] {
  return context.cache.endpoints().flatMap(({ endpoint }) => {
    const { containerId } = attachmentOf(endpoint);
    const networks = networksOf(endpoint).filter(({ network }) => network === request.network);
    return networks.map(({ interfaceName }) => ({ containerId, interfaceName }));
  });
}

/** Containers whose addresses are held under the network's name, which they may have left while others share the interface. */
function holdingContainers({ context, request }: Collect): readonly string[] {
  const endpoints = context.cache.endpoints().map(({ endpoint }) => endpoint);
  const holding = endpoints.filter((endpoint) => holderNetworkOf(endpoint) === request.network);
  return holding.map((endpoint) => attachmentOf(endpoint).containerId);
}

/** An interface for addresses that do not say theirs: any will do to find them by. */
const SOME_INTERFACE = 'eth0';

/**
 * Attachments by the addresses that this node holds under the network's handles. A container's ID with a dot in it could
 * as well be the end of another network's name, and is left alone.
 */
async function addressAttachments({ context, request, signal }: Collect): Promise<readonly Attachment[]> {
  const prefix = `${request.network}.`;
  const { kvs } = await context.datastore.list(BLOCKS_PREFIX, {}, signal);
  const attributes = kvs.flatMap(({ value }) => {
    const block = parseBlock(value);
    return heldOrdinals(block).flatMap((ordinal) => attributeAt(block, ordinal) ?? []);
  });
  return attributes.flatMap(({ handleId = '', secondary = {} }) => {
    const containerId = handleId.slice(prefix.length);
    const isOurs = handleId.startsWith(prefix) && secondary.node === context.nodeName && !containerId.includes('.');
    return isOurs ? [{ containerId, interfaceName: secondary.interface ?? SOME_INTERFACE }] : [];
  });
}

/** What is there for the network and the client did not name. */
async function findGarbage(operation: Collect): Promise<readonly Attachment[]> {
  const { request } = operation;
  const held = await addressAttachments(operation);
  if (request.scope === 'addresses') return held.filter((one) => !isValid(request, one));
  const endpoints = endpointAttachments(operation);
  const alive = new Set([...request.valid.map(({ containerId }) => containerId), ...holdingContainers(operation)]);
  const lost = held.filter(({ containerId }) => !alive.has(containerId));
  return [...endpoints.filter((one) => !isValid(request, one)), ...lost];
}

async function attempt(work: () => Promise<void>, failures: unknown[]): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isOcicatError(error)) throw error;
    failures.push(error);
  }
}

/** The node's name alone proves nothing: a restored store, or one in which another host has it, may hold others' pods. */
async function requireName({ context, request, signal }: Collect): Promise<void> {
  if (await context.nodeLease.isHeld(signal)) return;
  throw new OcicatError(
    'not-ready',
    `collect garbage of network "${request.network}": the name of node "${context.nodeName}" is not this agent's`,
  );
}

async function removeOne(operation: Collect, attachment: Attachment): Promise<void> {
  await requireName(operation);
  await remove({ ...operation, request: operation.request.removalOf(attachment) });
}

/** Removes every attachment of the network that the client did not name. Throws after having tried all. */
export async function collectGarbage(operation: Collect): Promise<void> {
  const { request, containers, signal } = operation;
  const { provider } = request;
  const failures: unknown[] = [];
  for (const attachment of await findGarbage(operation))
    await attempt(() => containers.run(attachment.containerId, () => removeOne(operation, attachment)), failures);
  if (provider !== undefined) await attempt(() => provider.collect(signal), failures);
  const [cause] = failures;
  if (cause === undefined) return;
  throw new OcicatError('unavailable', `collect garbage of network "${request.network}": ${failures.length} failed`, {
    cause,
  });
}
