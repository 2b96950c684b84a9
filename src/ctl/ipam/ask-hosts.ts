// What really runs: of addresses that nothing in the store uses, the agent of the node that holds one is asked whether any network
// namespace of its host has it. It answers as it does a CalicoNodeStatus.
import { isOcicatError } from '../../base/errors.ts';
import type { Datastore } from '../../datastore/port.ts';
import { readHolder } from '../../datastore/resource/node-holder.ts';
import { createResource, deleteResource, getResource } from '../../datastore/resource/resources.ts';
import { ANSWER_ANNOTATIONS, ASK_ADDRESSES } from '../../model/node/calico-node-status.ts';

/** An agent answers within milliseconds; one that is stopped does not. */
const ANSWER_TIMEOUT_MS = 10_000;
const LOOK_MS = 50;

const KIND = 'CalicoNodeStatus';
const QUESTION = { kind: KIND, apiVersion: 'projectcalico.org/v3' } as const;

/** Undefined when there is none in time. */
async function awaitAnswer(datastore: Datastore, name: string, signal: AbortSignal): Promise<string | undefined> {
  for (const deadlineMs = performance.now() + ANSWER_TIMEOUT_MS; performance.now() < deadlineMs; ) {
    const { metadata } = await getResource(datastore, { kind: KIND, name }, signal);
    const answer = metadata.annotations?.[ANSWER_ANNOTATIONS.addresses];
    if (answer !== undefined) return answer;
    await Bun.sleep(LOOK_MS);
  }
  return undefined;
}

/** Those of the addresses that are in use there; undefined when nobody says. */
async function askHost(datastore: Datastore, node: string, ips: readonly string[], signal: AbortSignal) {
  const name = `ipam-check-${crypto.randomUUID()}`;
  try {
    const spec = { node, classes: ['Agent'], updatePeriodSeconds: 0 };
    const metadata = { name, annotations: { [ASK_ADDRESSES]: ips.join(' ') } };
    await createResource(datastore, { ...QUESTION, metadata, spec }, signal);
    try {
      return (await awaitAnswer(datastore, name, signal))?.split(' ');
    } finally {
      await deleteResource(datastore, { kind: KIND, name }, AbortSignal.timeout(ANSWER_TIMEOUT_MS));
    }
  } catch (error) {
    if (isOcicatError(error, 'denied', 'not-found')) return undefined;
    throw error;
  }
}

/** By the lease of its name. */
async function hasAgent(datastore: Datastore, node: string, signal: AbortSignal): Promise<boolean> {
  return (await readHolder(datastore, node, 'agent', signal)).holder !== undefined;
}

/** An address, and the node that is recorded with it; empty where none is. */
interface Held {
  readonly ip: string;
  readonly node: string;
}

type Use = readonly (readonly [ip: string, user: string])[];

async function findUseOn(
  datastore: Datastore,
  node: string,
  ips: readonly string[],
  signal: AbortSignal,
): Promise<Use> {
  if (!(await hasAgent(datastore, node, signal))) return [];
  const answer = await askHost(datastore, node, ips, signal);
  const user = answer === undefined ? `Unknown(${node} does not answer)` : `Namespace(${node})`;
  return ips.filter((ip) => answer?.includes(ip) ?? true).map((ip) => [ip, user] as const);
}

/**
 * Who uses these addresses, by address. One whose node's agent does not answer is taken for used; a node without an agent of
 * ours has no say.
 */
export async function findUseOnHosts(
  datastore: Datastore,
  suspects: readonly Held[],
  signal: AbortSignal,
): Promise<Use> {
  const byNode = Map.groupBy(
    suspects.filter(({ node }) => node !== ''),
    ({ node }) => node,
  );
  const asked = [...byNode].map(([node, held]) =>
    findUseOn(
      datastore,
      node,
      held.map(({ ip }) => ip),
      signal,
    ),
  );
  return (await Promise.all(asked)).flat();
}
