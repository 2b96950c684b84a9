// Docker's network driver: its endpoints become workloads of this host, attached at Join and detached at Leave. What it is told before
// Join, and what Leave has left undone, is on disk.
import { randomBytes } from 'node:crypto';
import type { Attacher } from '../../attach/attacher.ts';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { lowerLink } from '../../kernel/link/workload-link-handover.ts';
import { handoverNameOf } from '../../kernel/link/workload-link-spec.ts';
import { formatCidr } from '../../net/cidr.ts';
import { familyOf } from '../../net/ip.ts';
import { localMac } from '../../net/mac.ts';
import type { Log } from '../../sys/log.ts';
import { DONE, NETWORK_CAPABILITIES, printEndpointAnswer, printJoinAnswer } from '../api/network-answers.ts';
import {
  type EndpointName,
  type JoinWish,
  parseEndpointName,
  parseEndpointRequest,
  parseJoinRequest,
  parseNetworkName,
  parseNetworkRequest,
} from '../api/network-requests.ts';
import { type RequestContext, toAttachRequest, toRemoveRequest, toTakenLink } from './attach-request.ts';
import type { Engine } from './engine.ts';
import type { Handover } from './handover.ts';
import { type Identity, learnIdentity } from './identity.ts';
import type { EndpointRecord, NetworkRecord, Records } from './records.ts';

export interface DriverContext extends RequestContext {
  readonly attacher: Attacher;
  readonly engine: Engine;
  readonly handover: Handover;
  readonly networks: Records<NetworkRecord>;
  readonly endpoints: Records<EndpointRecord>;
  /** Identifiers of endpoints that may be closed until the engine says whose they are. */
  readonly unnamed: Set<string>;
  readonly log: Log;
}

type Serve = (json: string, signal: AbortSignal) => Promise<string>;

/** What a driver answers, by the name of the call. */
export type Calls = Readonly<Record<string, Serve>>;

/** The endpoint that has its container's way out, of those of this driver. */
function findGateway({ endpoints }: DriverContext, { sandbox, endpointId }: JoinWish): EndpointRecord | undefined {
  const isGateway = (one: EndpointRecord) => one.state === 'joined' && one.hasGateway && one.endpointId !== endpointId;
  return endpoints.list().find((one) => one.sandbox === sandbox && isGateway(one));
}

function requireEndpoint({ endpoints }: DriverContext, { endpointId }: EndpointName): EndpointRecord {
  const record = endpoints.tryLoad(endpointId);
  if (record !== undefined) return record;
  throw new OcicatError('not-found', `join endpoint "${endpointId}": it was not created here`);
}

interface Learned {
  readonly identity: Identity;
  readonly isNamed: boolean;
}

/** From the engine; one that does not answer yet starts containers of before, whose networks are known. Throws `unavailable`. */
async function learn({ engine, networks }: DriverContext, wish: JoinWish): Promise<Learned> {
  const network = networks.tryLoad(wish.networkId);
  try {
    const identity = await learnIdentity(engine, wish, network);
    if (network !== undefined)
      networks.save(wish.networkId, { ...network, learned: identity.network, ranges: identity.ranges });
    return { identity, isNamed: true };
  } catch (error) {
    if (!isOcicatError(error, 'unavailable') || network?.learned === undefined) throw error;
    const { learned, ranges } = network;
    return { identity: { network: learned, labels: {}, workload: undefined, names: [], ranges }, isNamed: false };
  }
}

async function join(context: DriverContext, wish: JoinWish, signal: AbortSignal): Promise<string> {
  const { attacher, endpoints, networks, handover, unnamed } = context;
  const created = requireEndpoint(context, wish);
  const network = networks.tryLoad(wish.networkId);
  const { identity, isNamed } = await learn(context, wish);
  const gateway = findGateway(context, wish);
  const taken = gateway?.ranges.map(formatCidr) ?? [];
  const record: EndpointRecord = {
    ...created,
    state: 'joined',
    sandbox: wish.sandbox,
    network: identity.network,
    isNamed,
    hasGateway: gateway === undefined,
    ranges: identity.ranges.filter((one) => !taken.includes(formatCidr(one))),
  };
  endpoints.save(wish.endpointId, record);
  const { endpoint } = await attacher.add(toAttachRequest(context, record, network, identity), signal);
  const hostName = endpoint.spec.interfaceName ?? '';
  endpoints.save(wish.endpointId, record); // until the answer a removal was written down in its place
  if (!isNamed) {
    lowerLink(hostName); // Docker has not heard of its other end, which is down
    unnamed.add(wish.endpointId);
  }
  handover.follow(toTakenLink(record, hostName));
  const families = [...new Set(record.addresses.map(familyOf))];
  return printJoinAnswer({ linkName: handoverNameOf(hostName), families, hasGateway: record.hasGateway });
}

/** Takes the endpoint's interface away, if it has one; what cannot be done now is done later. */
async function detach(context: DriverContext, record: EndpointRecord, signal: AbortSignal): Promise<void> {
  if (record.network === undefined) return;
  await context.attacher.remove(toRemoveRequest(context, record), signal);
}

async function deleteEndpoint(context: DriverContext, { endpointId }: EndpointName, signal: AbortSignal) {
  const record = context.endpoints.tryLoad(endpointId);
  if (record === undefined) return;
  if (record.network === undefined) return context.endpoints.remove(endpointId);
  const deleting: EndpointRecord = { ...record, state: 'deleting' };
  context.endpoints.save(endpointId, deleting);
  await detach(context, deleting, signal);
}

export function createNetworkDriver(context: DriverContext, now: () => number): Calls {
  const { networks, endpoints } = context;
  return {
    GetCapabilities: async () => NETWORK_CAPABILITIES,
    async CreateNetwork(json) {
      const wish = parseNetworkRequest(json);
      networks.save(wish.networkId, { ...wish, learned: undefined, ranges: [] });
      return DONE;
    },
    async DeleteNetwork(json) {
      networks.remove(parseNetworkName(json));
      return DONE;
    },
    async CreateEndpoint(json) {
      const wish = parseEndpointRequest(json);
      const mac = wish.mac ?? localMac(randomBytes(6));
      const known = { state: 'created', hasGateway: false, isNamed: false, ranges: [], createdMs: now() } as const;
      endpoints.save(wish.endpointId, { ...wish, ...known, mac });
      return printEndpointAnswer(wish.mac === undefined ? mac : undefined);
    },
    EndpointOperInfo: async () => JSON.stringify({ Value: {} }),
    Join: (json, signal) => join(context, parseJoinRequest(json), signal),
    async Leave(json, signal) {
      const record = endpoints.tryLoad(parseEndpointName('Leave', json).endpointId);
      if (record !== undefined) await detach(context, record, signal);
      return DONE;
    },
    async DeleteEndpoint(json, signal) {
      await deleteEndpoint(context, parseEndpointName('DeleteEndpoint', json), signal);
      return DONE;
    },
    // The ports that are published come with CreateEndpoint, and nobody is told of other hosts by Docker.
    ProgramExternalConnectivity: async () => DONE,
    RevokeExternalConnectivity: async () => DONE,
    DiscoverNew: async () => DONE,
    DiscoverDelete: async () => DONE,
  };
}
