// A workload that has an endpoint already: the same ADD again, or another network that is to share its interface. It keeps
// its addresses then; being in a network means having the network's profile (Calico v3.33,
// cni-plugin/pkg/plugin/plugin.go).
import { OcicatError } from '../base/errors.ts';
import { parseResourceAt, printResource } from '../datastore/resource/resource-codec.ts';
import type { TransactionBuilder } from '../ipam/transaction-builder.ts';
import { type WorkloadEndpoint, workloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import { formatIp, type Ip } from '../net/ip.ts';
import { createUndo, type Undo } from '../sys/undo.ts';
import type { AttachContext } from './context.ts';
import { attachedNetworkOf, isAsAsked, withNetwork, withoutNetwork } from './endpoint/attached-networks.ts';
import { addressesOf, attachedAddressesOf, attachmentOf, linkOf } from './endpoint/endpoint.ts';
import { tryRecallEndpoint } from './endpoint/endpoint-files.ts';
import type { LocalEndpoint } from './endpoint/endpoint-index.ts';
import { withNamesIn, withoutLeftNetworks } from './endpoint/endpoint-naming.ts';
import { buildProfile } from './endpoint/profile.ts';
import { requireFreePorts, requireUnusedPorts, withPortMappings } from './host-ports.ts';
import { createLink, linkSpecOf } from './link.ts';
import { nameserversOf } from './nameservers.ts';
import { commit, type Operation, saveEndpoint, undoSignal, withUndo } from './operation.ts';
import type { Attached, AttachRequest } from './request.ts';
import { routesOf } from './routes.ts';

/** The endpoint as it stands; undefined when it has gone. Throws `corrupt`. */
async function readEndpoint(builder: TransactionBuilder, key: string): Promise<WorkloadEndpoint | undefined> {
  const text = await builder.get(key);
  return text === undefined ? undefined : parseResourceAt(workloadEndpoint, key, text);
}

type Add = Operation<AttachRequest>;

interface Shared {
  readonly endpoint: WorkloadEndpoint;
  readonly changed: boolean;
}

function requireSharing({ network, mode }: AttachRequest, { metadata, spec }: WorkloadEndpoint): void {
  if (mode === 'profile') return;
  throw new OcicatError(
    'already-exists',
    `join network "${network}": interface "${spec.endpoint}" is endpoint "${metadata.name}" of ${spec.profiles?.join(', ')}, and the network is not to share one ("attach" is not "profile")`,
  );
}

async function buildAttachment({ context, request }: Add, key: string, builder: TransactionBuilder): Promise<Shared> {
  const { network, attachment } = request;
  const endpoint = await readEndpoint(builder, key);
  if (endpoint === undefined)
    throw new OcicatError(
      'not-found',
      `join network "${network}": the endpoint of container "${attachment.containerId}" has gone`,
    );
  if (request.createsProfile) await buildProfile(builder, request, context.now());
  const asked = attachedNetworkOf(request);
  if (isAsAsked(endpoint, asked)) return { endpoint, changed: false };
  requireSharing(request, endpoint);
  requireFreePorts({ context, request }, builder);
  const joined = withPortMappings(withNetwork(endpoint, asked), request.portMappings);
  const shared = withNamesIn(joined, request);
  builder.put(key, printResource(shared));
  return { endpoint: shared, changed: true };
}

/** Networks of a container share its interface, so certain addresses and a MAC address can be had only with the first. */
function requireSame(request: AttachRequest, { spec }: WorkloadEndpoint, held: readonly Ip[]): void {
  const { network, addresses, mac } = request;
  const missing = addresses.filter((ip) => !held.includes(ip));
  if (missing.length > 0)
    throw new OcicatError(
      'invalid',
      `join network "${network}": address "${missing.map(formatIp).join(', ')}" is asked for, the container has ${held.map(formatIp).join(', ')} in all its networks`,
    );
  if (mac !== undefined && mac !== spec.mac)
    throw new OcicatError(
      'invalid',
      `join network "${network}": MAC address "${mac}" is asked for, the container has ${spec.mac} in all its networks`,
    );
}

/** Makes the link anew when it is not as it must be: after a reboot, or after an ADD that was stopped half-way. */
async function ensureLink(operation: Add, endpoint: WorkloadEndpoint): Promise<'kept' | 'made'> {
  const spec = linkSpecOf(operation, endpoint);
  if (operation.context.links.check(spec).length === 0) return 'kept';
  await createLink(operation.context, spec);
  return 'made';
}

/** The file follows the endpoint. */
function updateSavedEndpoint(context: AttachContext, endpoint: WorkloadEndpoint): void {
  const kept = tryRecallEndpoint(context.endpointFolder, attachmentOf(endpoint));
  if (kept !== undefined) saveEndpoint(context, { ...kept, endpoint });
}

async function joinNetwork(operation: Add, known: LocalEndpoint, undo: Undo): Promise<Attached> {
  const { context, request, signal } = operation;
  const { result, revision } = await commit(operation, (builder) => buildAttachment(operation, known.key, builder));
  if (result.changed) undo.push('network', () => detachNetwork(operation, known, undoSignal()));
  const { endpoint } = result;
  const link = await ensureLink(operation, endpoint);
  updateSavedEndpoint(context, endpoint);
  await context.policyApplied(endpoint, Math.max(revision, known.modRevision), signal);
  if (link === 'made') context.links.raise({ ...linkOf(endpoint), addresses: addressesOf(endpoint) });
  const { mtuBytes } = linkSpecOf(operation, endpoint);
  const [addresses, routes] = [attachedAddressesOf(endpoint), routesOf(operation)];
  const nameservers = nameserversOf(request, addressesOf(endpoint));
  return { endpoint, addresses, mtuBytes, routes, nameservers, providerAnswer: undefined };
}

/** Whether it stands as it is asked for, so that its workload may live: such a request must not end in its removal. */
function isComplete(operation: Add, { endpoint }: LocalEndpoint): boolean {
  const { context, request } = operation;
  return (
    isAsAsked(endpoint, attachedNetworkOf(request)) && context.links.check(linkSpecOf(operation, endpoint)).length === 0
  );
}

/** Adds the network to the endpoint, if it is not in it, and makes sure that everything is in place. */
export async function attachNetwork(operation: Add, known: LocalEndpoint): Promise<Attached> {
  requireSame(operation.request, known.endpoint, addressesOf(known.endpoint));
  requireUnusedPorts(operation);
  const join = (undo: Undo) => joinNetwork(operation, known, undo);
  return isComplete(operation, known) ? join(createUndo()) : withUndo(operation, join);
}

/** Takes the network's profile from an endpoint that has other networks; one that has none stays as it is. */
export async function detachNetwork(
  operation: Operation,
  known: LocalEndpoint,
  signal = operation.signal,
): Promise<void> {
  const detach = async (builder: TransactionBuilder) => {
    const endpoint = await readEndpoint(builder, known.key);
    const rest = endpoint === undefined ? undefined : withoutNetwork(endpoint, attachedNetworkOf(operation.request));
    const left = rest && withoutLeftNetworks(rest);
    if (left !== undefined) builder.put(known.key, printResource(left));
    return left;
  };
  const { result: left } = await commit(operation, detach, signal);
  if (left !== undefined) updateSavedEndpoint(operation.context, left);
}
