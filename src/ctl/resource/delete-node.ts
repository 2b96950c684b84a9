// Before a node goes, what belongs to it goes: first what policy counts on, then its addresses, then its settings. The Node
// itself is last, so that a stop at any step leaves something to delete again.
import { OcicatError } from '../../base/errors.ts';
import { BLOCKS_PREFIX, STATUS_PREFIXES, tryParseKey } from '../../datastore/keys.ts';
import { type Datastore, MAX_TRANSACTION_WRITES } from '../../datastore/port.ts';
import { listEndpointsOf } from '../../datastore/resource/node-endpoints.ts';
import { formatHolder, holderKey, readHolder } from '../../datastore/resource/node-holder.ts';
import { type Deletion, deleteMany } from '../../datastore/resource/resources.ts';
import { releaseAffinities } from '../../ipam/affinity-release.ts';
import { releaseEndpoint } from '../../ipam/endpoint-release.ts';
import { deleteHostMarker, releaseHostAddresses } from '../../ipam/host-release.ts';
import { formatResourceName } from '../../model/meta/resource.ts';
import { type Cidr, parseCidr } from '../../net/cidr.ts';
import { formatIp } from '../../net/ip.ts';
import { listAboutNode, PER_NODE_KINDS } from './node-belongings.ts';

/** Names that are listed before the rest is counted. */
const MAX_NAMES = 20;

export interface NodeRemoval {
  readonly datastore: Datastore;
  readonly node: string;
  /** Told of what has gone, and of what had to stay. */
  readonly notify: (line: string) => void;
  readonly signal: AbortSignal;
}

/** `node "host1": deleted 2 BGPPeer: rack, spine`; nothing for nothing. */
function notifyNames({ node, notify }: NodeRemoval, did: string, names: readonly string[]): void {
  if (names.length === 0) return;
  const rest = names.length > MAX_NAMES ? `, and ${names.length - MAX_NAMES} more` : '';
  notify(`node "${node}": ${did}: ${names.slice(0, MAX_NAMES).join(', ')}${rest}`);
}

async function deleteResources(removal: NodeRemoval, belongings: readonly Deletion[]): Promise<void> {
  const outcomes = await deleteMany(removal.datastore, belongings, removal.signal);
  const gone = belongings.filter((_, index) => outcomes[index]?.kind === 'done');
  notifyNames(removal, 'deleted', gone.map(formatResourceName));
  for (const outcome of outcomes)
    if (outcome.kind === 'failed' && outcome.error.code !== 'not-found') throw outcome.error;
}

async function deleteAbout(removal: NodeRemoval, kind: 'HostEndpoint' | 'CalicoNodeStatus' | 'BGPPeer'): Promise<void> {
  const { datastore, node, notify, signal } = removal;
  await deleteResources(removal, await listAboutNode(datastore, kind, node, notify, signal));
}

async function listBlockRanges({ datastore, signal }: NodeRemoval): Promise<readonly Cidr[]> {
  const { kvs } = await datastore.list(BLOCKS_PREFIX, { keysOnly: true }, signal);
  return kvs.flatMap(({ key }) => {
    const named = tryParseKey(key);
    return named?.kind === 'block' ? [parseCidr(named.cidr)] : [];
  });
}

function formatEndpoint(key: string): string {
  const named = tryParseKey(key);
  return named?.kind === 'resource' ? formatResourceName({ ...named, kind: named.resourceKind }) : key;
}

async function deleteEndpoints(removal: NodeRemoval): Promise<void> {
  const { datastore, node, signal } = removal;
  const blocks = await listBlockRanges(removal);
  const gone: string[] = [];
  try {
    for (const key of await listEndpointsOf(datastore, node, signal)) {
      await releaseEndpoint({ datastore, now: Date.now }, { key, host: node, blocks }, signal);
      gone.push(formatEndpoint(key));
    }
  } finally {
    notifyNames(removal, 'deleted, and their addresses released', gone);
  }
}

async function releaseRest(removal: NodeRemoval): Promise<void> {
  const { datastore, node, notify, signal } = removal;
  const ports = { datastore, now: Date.now };
  const addresses = await releaseHostAddresses(
    ports,
    node,
    ({ message }) => notify(`${message}; what node "${node}" holds in it stays`),
    signal,
  );
  notifyNames(removal, 'released the addresses', addresses.map(formatIp));
  notifyNames(removal, 'gave back the blocks', await releaseAffinities(datastore, { host: node }, signal));
  await deleteHostMarker(ports, node, signal);
}

/** What the host's programs have reported. */
async function deleteReports({ datastore, node, signal }: NodeRemoval): Promise<void> {
  const listings = await Promise.all(
    STATUS_PREFIXES.map((prefix) => datastore.list(prefix, { keysOnly: true }, signal)),
  );
  const keys = listings.flatMap(({ kvs }) => kvs.map(({ key }) => key));
  const own = keys.filter((key) => {
    const named = tryParseKey(key);
    return named !== undefined && 'host' in named && named.host === node;
  });
  for (let start = 0; start < own.length; start += MAX_TRANSACTION_WRITES) {
    const writes = own.slice(start, start + MAX_TRANSACTION_WRITES).map((key) => ({ kind: 'delete' as const, key }));
    await datastore.commit({ conditions: [], writes }, signal);
  }
}

async function deleteSettings(removal: NodeRemoval): Promise<void> {
  await deleteResources(
    removal,
    PER_NODE_KINDS.map((kind) => ({ kind, name: `node.${removal.node}` })),
  );
}

/** Throws `conflict` while the node's agent runs: it would write anew what goes. */
async function refuseLiving({ datastore, node, signal }: NodeRemoval): Promise<void> {
  const { holder } = await readHolder(datastore, node, 'agent', signal);
  if (holder === undefined) return;
  throw new OcicatError('conflict', `node "${node}": its agent runs, ${formatHolder(holder)}; stop it first`);
}

/** The name is free for any host from now on. Throws `conflict` when an agent has taken it meanwhile. */
async function freeName(removal: NodeRemoval): Promise<void> {
  const { datastore, node, signal } = removal;
  const result = await datastore.commit(
    {
      conditions: [{ key: holderKey(node, 'agent'), modRevision: 0 }],
      writes: [{ kind: 'delete', key: holderKey(node, 'host') }],
    },
    signal,
  );
  if (result.kind === 'conflict') await refuseLiving(removal);
}

/** Everything of the node but the Node. Does nothing, and says nothing, when nothing is left of it. */
export async function removeBelongings(removal: NodeRemoval): Promise<void> {
  await refuseLiving(removal);
  await deleteAbout(removal, 'HostEndpoint');
  await deleteEndpoints(removal);
  await releaseRest(removal);
  await deleteAbout(removal, 'BGPPeer');
  await deleteAbout(removal, 'CalicoNodeStatus');
  await deleteSettings(removal);
  await deleteReports(removal);
  await freeName(removal);
}
