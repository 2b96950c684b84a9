// A container that has an endpoint already: the same ADD again, or another network that is to share its interface. It keeps
// its addresses then; being in a network means having the network's profile (Calico v3.33,
// cni-plugin/pkg/plugin/plugin.go).
import { OcicatError } from '../base/errors.ts';
import { attachedOf, isAsAsked, withNetwork, withoutNetwork } from '../cni/spec/attached-networks.ts';
import { attachModeOf } from '../cni/spec/request.ts';
import type { CniResult } from '../cni/spec/result.ts';
import { parseResourceAt, printResource } from '../datastore/resource/resource-codec.ts';
import type { Draft } from '../ipam/draft.ts';
import { type WorkloadEndpoint, workloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import { formatIp, type Ip } from '../net/ip.ts';
import type { Undo } from '../sys/undo.ts';
import { addressesOf, attachmentOf, linkOf } from './endpoint.ts';
import { tryRecallEndpoint } from './endpoint-files.ts';
import { createLink, linkSpecOf } from './link.ts';
import type { LocalEndpoint } from './memory.ts';
import { draftProfile } from './profile.ts';
import { createResult } from './result.ts';
import { routesOf } from './routes.ts';
import { type CniTask, commit, noteEndpoint, undoSignal } from './task.ts';

/** The endpoint as it stands; undefined when it has gone. Throws `corrupt`. */
async function readEndpoint(draft: Draft, key: string): Promise<WorkloadEndpoint | undefined> {
  const text = await draft.get(key);
  return text === undefined ? undefined : parseResourceAt(workloadEndpoint, key, text);
}

interface Joined {
  readonly endpoint: WorkloadEndpoint;
  readonly changed: boolean;
}

function requireSharing({ request }: CniTask, { metadata, spec }: WorkloadEndpoint): void {
  if (attachModeOf(request) === 'profile') return;
  throw new OcicatError(
    'already-exists',
    `join network "${request.config.name}": interface "${spec.endpoint}" is endpoint "${metadata.name}" of ${spec.profiles?.join(', ')}, and the network is not to share one ("attach" is not "profile")`,
  );
}

async function draftJoin(task: CniTask, key: string, draft: Draft): Promise<Joined> {
  const { config, environment } = task.request;
  const endpoint = await readEndpoint(draft, key);
  if (endpoint === undefined)
    throw new OcicatError(
      'not-found',
      `join network "${config.name}": the endpoint of container "${environment.containerId}" has gone`,
    );
  if (config.createsProfile) await draftProfile(draft, config.name, task.context.now());
  if (isAsAsked(endpoint, task.request)) return { endpoint, changed: false };
  requireSharing(task, endpoint);
  const joined = withNetwork(endpoint, attachedOf(task.request));
  draft.put(key, printResource(joined));
  return { endpoint: joined, changed: true };
}

/** Networks of a container share its interface, so certain addresses and a MAC address can be had only with the first. */
function checkWishes(task: CniTask, { spec }: WorkloadEndpoint, held: readonly Ip[]): void {
  const { name, wishes } = task.request.config;
  const missing = wishes.addresses.filter((ip) => !held.includes(ip));
  if (missing.length > 0)
    throw new OcicatError(
      'invalid',
      `join network "${name}": address "${missing.map(formatIp).join(', ')}" is asked for, the container has ${held.map(formatIp).join(', ')} in all its networks`,
    );
  if (wishes.mac !== undefined && wishes.mac !== spec.mac)
    throw new OcicatError(
      'invalid',
      `join network "${name}": MAC address "${wishes.mac}" is asked for, the container has ${spec.mac} in all its networks`,
    );
}

/** Makes the link anew when it is not as it must be: after a reboot, or after an ADD that was stopped half-way. */
async function ensureLink(task: CniTask, endpoint: WorkloadEndpoint): Promise<'kept' | 'made'> {
  const spec = linkSpecOf(task, endpoint);
  if (task.context.links.check(spec).length === 0) return 'kept';
  await createLink(task, spec);
  return 'made';
}

/** The file follows the endpoint. */
function renoteEndpoint(task: CniTask, endpoint: WorkloadEndpoint): void {
  const kept = tryRecallEndpoint(task.context.endpointFolder, attachmentOf(endpoint));
  if (kept !== undefined) noteEndpoint(task, { ...kept, endpoint });
}

/** Adds the network to the endpoint, if it is not in it, and makes sure that everything is in place. */
export async function joinNetwork(task: CniTask, known: LocalEndpoint, undo: Undo): Promise<CniResult> {
  const { context, request, signal } = task;
  checkWishes(task, known.endpoint, addressesOf(known.endpoint));
  const { result, revision } = await commit(task, (draft) => draftJoin(task, known.key, draft));
  if (result.changed) undo.push('network', () => leaveNetwork(task, known, undoSignal()));
  const { endpoint } = result;
  const link = await ensureLink(task, endpoint);
  renoteEndpoint(task, endpoint);
  await context.policyApplied(endpoint, Math.max(revision, known.modRevision), signal);
  if (link === 'made') context.links.raise({ ...linkOf(endpoint), addresses: addressesOf(endpoint) });
  const { mtuBytes } = linkSpecOf(task, endpoint);
  return createResult({ request, endpoint, mtuBytes, routes: routesOf(task), dns: {} });
}

/** Takes the network's profile from an endpoint that has other networks; one that has none stays as it is. */
export async function leaveNetwork(task: CniTask, known: LocalEndpoint, signal = task.signal): Promise<void> {
  const leave = async (draft: Draft) => {
    const endpoint = await readEndpoint(draft, known.key);
    const left = endpoint === undefined ? undefined : withoutNetwork(endpoint, attachedOf(task.request));
    if (left !== undefined) draft.put(known.key, printResource(left));
    return left;
  };
  const { result: left } = await commit(task, leave, signal);
  if (left !== undefined) renoteEndpoint(task, left);
}
