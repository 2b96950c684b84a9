// A container that has an endpoint already: the same ADD again, or another network. It keeps its one interface and its
// addresses; being in a network means having the network's profile (facts: calico §1.5, step 6).
import { OcicatError } from '../base/errors.ts';
import { parseJson } from '../base/json.ts';
import type { CniResult } from '../cni/result.ts';
import { printResource } from '../datastore/resource-codec.ts';
import type { Draft } from '../ipam/draft.ts';
import { parseStored } from '../model/kind.ts';
import { type WorkloadEndpoint, workloadEndpoint } from '../model/workload-endpoint.ts';
import { formatIp, type Ip } from '../net/ip.ts';
import type { Undo } from '../sys/undo.ts';
import { addressesOf, linkOf } from './cni-endpoint.ts';
import { createLink, linkSpecOf } from './cni-link.ts';
import type { LocalEndpoint } from './cni-memory.ts';
import { draftProfile } from './cni-profile.ts';
import { createResult } from './cni-result.ts';
import { type CniTask, commit, noteEndpoint, undoSignal } from './cni-task.ts';
import { tryRecallEndpoint } from './endpoint-files.ts';

/** The endpoint as it stands; undefined when it has gone. Throws `corrupt`. */
async function readEndpoint(draft: Draft, key: string): Promise<WorkloadEndpoint | undefined> {
  const text = await draft.get(key);
  return text === undefined ? undefined : parseStored(workloadEndpoint, parseJson(text));
}

function withProfiles(endpoint: WorkloadEndpoint, profiles: readonly string[]): WorkloadEndpoint {
  return { ...endpoint, spec: { ...endpoint.spec, profiles: [...profiles] } };
}

interface Joined {
  readonly endpoint: WorkloadEndpoint;
  readonly changed: boolean;
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
  const profiles = endpoint.spec.profiles ?? [];
  if (profiles.includes(config.name)) return { endpoint, changed: false };
  const joined = withProfiles(endpoint, [...profiles, config.name]);
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

/** Adds the network to the endpoint, if it is not in it, and makes sure that everything is in place. */
export async function joinNetwork(task: CniTask, known: LocalEndpoint, undo: Undo): Promise<CniResult> {
  const { context, request, signal } = task;
  checkWishes(task, known.endpoint, addressesOf(known.endpoint));
  const { result, revision } = await commit(task, (draft) => draftJoin(task, known.key, draft));
  if (result.changed) undo.push('network', () => leaveNetwork(task, known, undoSignal()));
  const { endpoint } = result;
  const link = await ensureLink(task, endpoint);
  const kept = tryRecallEndpoint(context.endpointFolder, request.environment.containerId);
  if (kept !== undefined) noteEndpoint(task, { ...kept, endpoint });
  await context.policyApplied(endpoint, Math.max(revision, known.modRevision), signal);
  if (link === 'made') context.links.raise({ ...linkOf(endpoint), addresses: addressesOf(endpoint) });
  const { mtuBytes } = linkSpecOf(task, endpoint);
  return createResult({ request, endpoint, mtuBytes, routes: [], dns: {} });
}

/**
 * Takes the network's profile from the endpoint. The first one stays: it is the network of the interface itself, which
 * goes with a DEL of that interface.
 */
export async function leaveNetwork(task: CniTask, known: LocalEndpoint, signal = task.signal): Promise<void> {
  const network = task.request.config.name;
  const left = async (draft: Draft) => {
    const endpoint = await readEndpoint(draft, known.key);
    const [first, ...others] = endpoint?.spec.profiles ?? [];
    if (endpoint === undefined || first === undefined || !others.includes(network)) return;
    draft.put(known.key, printResource(withProfiles(endpoint, [first, ...others.filter((name) => name !== network)])));
  };
  await commit(task, left, signal);
}
