// ADD: a container joins a network. Store first, then link, then policy, and last the link comes up: at no moment can a
// packet pass that policy does not know about, and whatever fails takes the steps before it back.
import { randomBytes } from 'node:crypto';
import { isOcicatError, OcicatError } from '../base/errors.ts';
import { delegate, delegateAdd } from '../cni/invoke/delegate.ts';
import { OWN_IPAM } from '../cni/spec/config.ts';
import { attachModeOf } from '../cni/spec/request.ts';
import type { CniResult, ResultRoute } from '../cni/spec/result.ts';
import { printResource, printResourceKey } from '../datastore/resource/resource-codec.ts';
import { draftAssignment } from '../ipam/assign.ts';
import type { Draft } from '../ipam/draft.ts';
import type { WorkloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import { formatIp, type Ip } from '../net/ip.ts';
import { localMac } from '../net/mac.ts';
import type { Undo } from '../sys/undo.ts';
import { assignRequestOf, surroundingsOf } from './assign.ts';
import { removeFromStore } from './del.ts';
import {
  addressesOf,
  chooseLinkName,
  computeEndpointName,
  createEndpoint,
  DEFAULT_NAMESPACE,
  endpointsOf,
  findEndpoint,
  idOf,
  linkOf,
} from './endpoint.ts';
import { passGates } from './gates.ts';
import { removeGone } from './gone.ts';
import { joinNetwork } from './join.ts';
import { createLink, linkSpecOf } from './link.ts';
import type { LocalEndpoint } from './memory.ts';
import { draftProfile } from './profile.ts';
import { createResult } from './result.ts';
import { routesOf } from './routes.ts';
import {
  type CniTask,
  commit,
  handleOf,
  needNetns,
  noteEndpoint,
  undoSignal,
  unnoteEndpoint,
  withUndo,
} from './task.ts';

/** Addresses, and what goes back to the runtime with them. */
interface Supply {
  readonly addresses: readonly Ip[];
  readonly routes: readonly ResultRoute[];
  readonly dns: CniResult['dns'];
  /** Another plugin's own words. */
  readonly answer?: string | undefined;
}

async function draftSupply(task: CniTask, draft: Draft): Promise<Supply> {
  const assigned = await draftAssignment(surroundingsOf(task, draft), assignRequestOf(task));
  return { addresses: assigned.map(({ ip }) => ip), routes: [], dns: {} };
}

/** From another plugin, which has its own store: taken before our commit, given back when that fails. */
async function takeSupply(task: CniTask, undo: Undo): Promise<Supply | undefined> {
  const { request, call, signal } = task;
  if (request.config.ipam.type === OWN_IPAM) return undefined;
  const { result, answer } = await delegateAdd(request, call, signal);
  undo.push(`addresses of ${request.config.ipam.type}`, () => delegate(request, call, 'DEL', undoSignal()));
  const addresses = result.addresses.map(({ address }) => address.address);
  const missing = request.config.wishes.addresses.filter((ip) => !addresses.includes(ip));
  if (missing.length > 0)
    throw new OcicatError(
      'invalid',
      `ask IPAM plugin "${request.config.ipam.type}" for ${missing.map(formatIp).join(', ')}: it gave ${addresses.map(formatIp).join(', ')}`,
    );
  return { addresses, routes: result.routes, dns: result.dns, answer };
}

interface Drafted extends Supply {
  readonly endpoint: WorkloadEndpoint;
}

/**
 * Addresses, endpoint and profile, all of which become true in one transaction. undefined, and nothing drafted, when the
 * endpoint is there already: an earlier ADD was stopped after its commit.
 */
async function draftEndpoint(task: CniTask, draft: Draft, supplied: Supply | undefined): Promise<Drafted | undefined> {
  const { context, request } = task;
  const { environment, config } = request;
  const parts = {
    nodeName: context.nodeName,
    containerId: environment.containerId,
    interfaceName: environment.interfaceName,
    namespace: config.wishes.namespace,
    labels: config.wishes.labels,
    workload: config.wishes.workload,
    network: config.name,
    hostName: chooseLinkName(context.memory, environment, context.links.isForeign),
    mac: config.wishes.mac ?? localMac(randomBytes(6)),
    nowMs: context.now(),
  };
  const key = printResourceKey({
    kind: 'WorkloadEndpoint',
    namespace: parts.namespace ?? DEFAULT_NAMESPACE,
    name: computeEndpointName(parts.nodeName, parts.containerId, parts.interfaceName),
  });
  if ((await draft.getLikelyAbsent(key)) !== undefined) return undefined;
  const supply = supplied ?? (await draftSupply(task, draft));
  const endpoint = createEndpoint({ ...parts, addresses: supply.addresses });
  draft.put(key, printResource(endpoint));
  if (config.createsProfile) await draftProfile(draft, config.name, context.now());
  return { ...supply, endpoint };
}

/** What the container's addresses are held under. */
function handleIdOf({ request: { config, environment } }: CniTask): string | undefined {
  return config.ipam.type === OWN_IPAM ? handleOf(config.name, environment.containerId) : undefined;
}

async function create(task: CniTask, undo: Undo): Promise<CniResult | undefined> {
  const { context, request, signal } = task;
  const { links, log } = context;
  const supplied = await takeSupply(task, undo);
  const { result: drafted, revision } = await commit(task, (draft) => draftEndpoint(task, draft, supplied));
  if (drafted === undefined) {
    for (const failure of await undo.run()) log.warn('give addresses back', failure);
    return undefined;
  }
  const { endpoint } = drafted;
  const { hostName } = linkOf(endpoint);
  undo.push('endpoint and addresses', () => removeFromStore(task, endpoint, undoSignal()));
  const routes = routesOf(task, drafted.routes);
  const spec = linkSpecOf(task, endpoint, routes);
  undo.push(`link ${hostName}`, async () => void (await links.remove(hostName)));
  await createLink(task, spec);
  undo.push('file', async () => unnoteEndpoint(task, request.environment));
  const { createsProfile } = request.config;
  noteEndpoint(task, { endpoint, handleId: handleIdOf(task), createsProfile, supplied: drafted.answer });
  undo.push('policy', () => context.endpointGone(idOf(endpoint)));
  await context.policyApplied(endpoint, revision, signal);
  links.raise({ ...linkOf(endpoint), addresses: spec.addresses });
  return createResult({ request, endpoint, mtuBytes: spec.mtuBytes, routes, dns: drafted.dns });
}

/** Addresses that are asked for, or any when there is none left, come back from containers that are provably gone. */
async function createWithRoom(task: CniTask): Promise<CniResult | undefined> {
  const { addresses: wanted } = task.request.config.wishes;
  await removeGone(task, (endpoint) => addressesOf(endpoint).some((ip) => wanted.includes(ip)));
  try {
    return await withUndo(task, (undo) => create(task, undo));
  } catch (error) {
    if (!isOcicatError(error, 'exhausted') || (await removeGone(task, () => true)) === 0) throw error;
    return withUndo(task, (undo) => create(task, undo));
  }
}

/** The endpoint that the call is about already: the interface's own, or the one that all of the container's networks share. */
function findStanding({ context, request }: CniTask): LocalEndpoint | undefined {
  const own = findEndpoint(context.memory, request.environment);
  if (own !== undefined || attachModeOf(request) === 'interface') return own;
  return endpointsOf(context.memory, request.environment.containerId)[0];
}

/** The result for the runtime. Throws what went wrong, with everything undone or noted to be undone later. */
export async function addContainer(task: CniTask): Promise<CniResult> {
  const { request } = task;
  const { containerId } = request.environment;
  needNetns(task);
  await passGates(request.config.readinessGates, task.signal);
  const known = findStanding(task);
  if (known !== undefined) return withUndo(task, (undo) => joinNetwork(task, known, undo));
  const created = await createWithRoom(task);
  if (created !== undefined) return created;
  const found = findStanding(task);
  if (found !== undefined) return withUndo(task, (undo) => joinNetwork(task, found, undo));
  throw new OcicatError(
    'corrupt',
    `add container "${containerId}": its endpoint is in the store and cannot be understood`,
  );
}
