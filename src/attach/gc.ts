// GC: what belongs to containers that the runtime does not have any more is removed (CNI spec 1.1.0, "GC").
import { isOcicatError, OcicatError } from '../base/errors.ts';
import { attributeAt, heldOrdinals } from '../blocks/block.ts';
import { parseBlock } from '../blocks/block-json.ts';
import { delegate } from '../cni/invoke/delegate.ts';
import { holderNetworkOf, networksOf } from '../cni/spec/attached-networks.ts';
import { type Attachment, OWN_IPAM } from '../cni/spec/config.ts';
import type { CniRequest } from '../cni/spec/request.ts';
import { BLOCKS_PREFIX } from '../datastore/keys.ts';
import { deleteContainer } from './del.ts';
import { attachmentOf } from './endpoint.ts';
import { deleteAddresses } from './ipam.ts';
import type { CniTask } from './task.ts';

/** The call as if it were a DEL of one attachment. */
function asDel(task: CniTask, { containerId, interfaceName }: Attachment): CniTask {
  const environment = { ...task.request.environment, command: 'DEL' as const, containerId, interfaceName, netns: '' };
  const variables = {
    ...task.call.variables,
    CNI_COMMAND: 'DEL',
    CNI_CONTAINERID: containerId,
    CNI_IFNAME: interfaceName,
  };
  const request: CniRequest = { ...task.request, environment };
  return { ...task, request, call: { ...task.call, variables }, netnsFd: undefined };
}

function isValid(task: CniTask, attachment: Attachment): boolean {
  return (task.request.config.validAttachments ?? []).some(
    ({ containerId, interfaceName }) =>
      containerId === attachment.containerId && interfaceName === attachment.interfaceName,
  );
}

/** Attachments to the network that endpoints know of. */
function endpointAttachments({ context, request }: CniTask): readonly Attachment[] {
  return context.memory.endpoints().flatMap(({ endpoint }) => {
    const { containerId } = attachmentOf(endpoint);
    const networks = networksOf(endpoint).filter(({ network }) => network === request.config.name);
    return networks.map(({ interfaceName }) => ({ containerId, interfaceName }));
  });
}

/** Containers whose addresses are held under the network's name, which they may have left while others share the interface. */
function holdingContainers({ context, request }: CniTask): readonly string[] {
  const endpoints = context.memory.endpoints().map(({ endpoint }) => endpoint);
  const holding = endpoints.filter((endpoint) => holderNetworkOf(endpoint) === request.config.name);
  return holding.map((endpoint) => attachmentOf(endpoint).containerId);
}

/** An interface for addresses that do not say theirs: any will do to find them by. */
const SOME_INTERFACE = 'eth0';

/**
 * Attachments by the addresses that this node holds under the network's handles. A container's ID with a dot in it could
 * as well be the end of another network's name, and is left alone.
 */
async function addressAttachments({ context, request, signal }: CniTask): Promise<readonly Attachment[]> {
  const prefix = `${request.config.name}.`;
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

/** What is there for the network and the runtime did not name. */
async function findGarbage(task: CniTask): Promise<readonly Attachment[]> {
  const { plugin, config } = task.request;
  const held = await addressAttachments(task);
  if (plugin === 'calico-ipam') return held.filter((one) => !isValid(task, one));
  const endpoints = endpointAttachments(task);
  const valid = (config.validAttachments ?? []).map(({ containerId }) => containerId);
  const alive = new Set([...valid, ...holdingContainers(task)]);
  const lost = held.filter(({ containerId }) => !alive.has(containerId));
  return [...endpoints.filter((one) => !isValid(task, one)), ...lost];
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
async function requireName({ context, request, signal }: CniTask): Promise<void> {
  if (await context.nodeLease.isHeld(signal)) return;
  throw new OcicatError(
    'not-ready',
    `collect garbage of network "${request.config.name}": the name of node "${context.nodeName}" is not this agent's`,
  );
}

/** Removes every attachment of the network that the runtime did not name. Throws after having tried all. */
export async function collectGarbage(task: CniTask): Promise<void> {
  const { request, call, signal } = task;
  const isMain = request.plugin === 'calico';
  const failures: unknown[] = [];
  for (const attachment of await findGarbage(task)) {
    const del = asDel(task, attachment);
    const remove = async () => {
      await requireName(task);
      await (isMain ? deleteContainer(del) : deleteAddresses(del));
    };
    await attempt(() => task.containers.run(attachment.containerId, remove), failures);
  }
  if (isMain && request.config.ipam.type !== OWN_IPAM)
    await attempt(() => delegate(request, call, 'GC', signal), failures);
  const [first] = failures;
  if (first === undefined) return;
  throw new OcicatError(
    'unavailable',
    `collect garbage of network "${request.config.name}": ${failures.length} failed`,
    {
      cause: first,
    },
  );
}
