// Who an endpoint of Docker's is: its network's name, which is the profile's, and the labels of network and container, of which its
// requests say nothing.
import { OcicatError } from '../../base/errors.ts';
import { shortHash } from '../../base/hash.ts';
import { toResourceName } from '../../model/meta/names.ts';
import { parseNames } from '../../names/name.ts';
import type { Cidr } from '../../net/cidr.ts';
import { computeLabels, type EngineContainer } from '../api/engine-answers.ts';
import type { EndpointName } from '../api/network-requests.ts';
import type { Engine } from './engine.ts';
import type { NetworkRecord } from './records.ts';

export interface Identity {
  /** The profile. */
  readonly network: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The container's name, as a resource's. */
  readonly workload: string | undefined;
  /** By which others of its networks find it. */
  readonly names: readonly string[];
  /** Of the network, where it was made with some. */
  readonly ranges: readonly Cidr[];
}

function requireUsable(unusable: readonly string[]): void {
  if (unusable.length === 0) return;
  throw new OcicatError(
    'invalid',
    `read labels of the container and its network: ${unusable.map((one) => `"${one}"`).join(', ')} cannot be labels of an endpoint`,
  );
}

/** A label's name, which a profile gives its endpoints, is not longer. */
const MAX_PROFILE_LENGTH = 63;
const READABLE_LENGTH = 40;

/** The network's name; where it cannot be a profile's, what can be read of it and a hash, so that two networks never become one. */
function profileOf(name: string): string {
  const readable = toResourceName(name);
  if (readable === name && name.length <= MAX_PROFILE_LENGTH) return name;
  const beginning = toResourceName(name.slice(0, READABLE_LENGTH)) ?? 'network';
  return `${beginning}-${shortHash(name, 8)}`;
}

const COMPOSE_SERVICE = 'com.docker.compose.service';
/** As much of its identifier as Docker shows. */
const SHORT_ID_LENGTH = 12;

function namesOf(name: string, { id, labels }: EngineContainer): readonly string[] {
  return parseNames([name, id.slice(0, SHORT_ID_LENGTH), labels[COMPOSE_SERVICE] ?? '']);
}

async function ask(engine: Engine, { networkId, endpointId }: EndpointName, profile: string | undefined) {
  const network = await engine.network(networkId);
  if (network === undefined)
    throw new OcicatError('not-found', `ask Docker for network "${networkId}": it knows none of that ID`);
  const name = network.endpoints.find((one) => one.endpointId === endpointId)?.containerName ?? '';
  const container = name === '' ? undefined : await engine.container(name);
  if (container === undefined)
    throw new OcicatError('not-found', `ask Docker for the container of endpoint "${endpointId}": it knows none`);
  const { labels, unusable } = computeLabels({ ...network.labels, ...container.labels });
  requireUsable(unusable);
  return {
    network: profile ?? profileOf(network.name),
    labels,
    workload: toResourceName(name),
    names: namesOf(name, container),
    ranges: network.ranges,
  };
}

/**
 * Asked while Docker waits for the answer to Join: before that the container could not be named, and after it packets would pass that
 * a policy for its labels is to keep back. Without a socket of Docker's there are no labels, and the network has said its profile itself.
 * Throws `unavailable`, `not-found`, `invalid`.
 */
export async function learnIdentity(
  engine: Engine,
  endpoint: EndpointName,
  record: NetworkRecord | undefined,
): Promise<Identity> {
  const profile = record?.profile;
  if (profile === undefined || engine.isThere()) return ask(engine, endpoint, profile);
  return { network: profile, labels: {}, workload: undefined, names: [], ranges: [] };
}
