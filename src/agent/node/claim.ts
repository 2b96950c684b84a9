// A node's name is one host's. An agent takes it before it does anything else, and is refused while another host's lives,
// or has left workloads that this host would take for its own and remove.
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { attributeAt, heldOrdinals } from '../../blocks/block.ts';
import { parseBlock } from '../../blocks/block-json.ts';
import { BLOCKS_PREFIX } from '../../datastore/keys.ts';
import type { Datastore, Lease } from '../../datastore/port.ts';
import { listEndpointsOf } from '../../datastore/resource/node-endpoints.ts';
import { formatHolder, type Holder, holderKey, printHolder, readHolder } from '../../datastore/resource/node-holder.ts';
import type { Log } from '../../sys/log.ts';
import { pause } from '../../sys/pause.ts';
import { relate } from './host-identity.ts';

/** An agent that has not been heard of for so long is gone. */
const LEASE_SECONDS = 15;
/** How long a lease may outlive its agent: etcd drops it up to a second late. */
export const LEASE_GRACE_MS = (LEASE_SECONDS + 3) * 1000;
const LOOK_MS = 500;

export interface Claimant {
  readonly datastore: Datastore;
  readonly node: string;
  readonly own: Holder;
  /** The machine whose name may be taken though it has left workloads. */
  readonly takeOver: string | undefined;
  /** How long it is waited for another host's agent to prove to be gone. */
  readonly graceMs: number;
  readonly log: Log;
}

export interface Claim {
  readonly lease: Lease;
}

function refuse(node: string, reason: string): OcicatError {
  return new OcicatError('already-exists', `start as node "${node}": ${reason}`);
}

/** What ends an agent whose name another one has. */
export function nameTaken(node: string, by: Holder): OcicatError {
  return new OcicatError('already-exists', `keep the name of node "${node}": it has been taken by ${formatHolder(by)}`);
}

async function countHeld(datastore: Datastore, node: string, signal: AbortSignal): Promise<number> {
  const { kvs } = await datastore.list(BLOCKS_PREFIX, {}, signal);
  const counts = kvs.map(({ value }) => {
    try {
      const block = parseBlock(value);
      return heldOrdinals(block).filter((ordinal) => attributeAt(block, ordinal)?.secondary?.node === node).length;
    } catch (error) {
      if (isOcicatError(error)) return 0;
      throw error;
    }
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Throws `already-exists` when the name's last host was another one and what it has left could be lost. */
async function checkLastHost(claimant: Claimant, last: Holder, signal: AbortSignal): Promise<void> {
  const { datastore, node, own, takeOver, log } = claimant;
  if (relate(last, own) !== 'other') return;
  if (takeOver !== undefined && takeOver === last.machine) {
    log.warn(`node "${node}" is taken over, as was asked for, from ${formatHolder(last)}`);
    return;
  }
  const endpoints = (await listEndpointsOf(datastore, node, signal)).length;
  const addresses = await countHeld(datastore, node, signal);
  if (endpoints + addresses === 0) {
    log.warn(`node "${node}" is taken over, with nothing left of ${formatHolder(last)}`);
    return;
  }
  throw refuse(
    node,
    `the name is another host's, ${formatHolder(last)}, with ${endpoints} endpoints and ${addresses} addresses. ` +
      `Set another NODENAME; or, if that host is gone for good, delete the node or set CALICO_NODE_TAKEOVER=${last.machine}`,
  );
}

/** The claim, or the agent of another host that is, or may be, alive. */
async function tryClaim(claimant: Claimant, signal: AbortSignal): Promise<Claim | Holder> {
  const { datastore, node, own } = claimant;
  const [agent, host] = [
    await readHolder(datastore, node, 'agent', signal),
    await readHolder(datastore, node, 'host', signal),
  ];
  if (agent.holder !== undefined && relate(agent.holder, own) !== 'same') return agent.holder;
  if (host.holder !== undefined) await checkLastHost(claimant, host.holder, signal);
  const lease = await datastore.openLease(LEASE_SECONDS, signal);
  const [agentKey, hostKey, value] = [holderKey(node, 'agent'), holderKey(node, 'host'), printHolder(own)];
  const result = await datastore.commit(
    {
      conditions: [
        { key: agentKey, modRevision: agent.modRevision },
        { key: hostKey, modRevision: host.modRevision },
      ],
      writes: [
        { kind: 'put', key: agentKey, value, lease },
        { kind: 'put', key: hostKey, value },
      ],
    },
    signal,
  );
  if (result.kind === 'committed') return { lease };
  await datastore.dropLease(lease);
  throw new OcicatError('conflict', `take the name of node "${node}": somebody else was faster`);
}

/**
 * Takes the name, waiting as long as the agent of another host may still prove to be gone. Throws `already-exists` when it
 * is not to be had, `conflict` when somebody else was faster.
 */
export async function claimNode(claimant: Claimant, signal: AbortSignal): Promise<Claim> {
  const { node, graceMs, log } = claimant;
  for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
    const outcome = await tryClaim(claimant, signal);
    if ('lease' in outcome) return outcome;
    if (waitedMs === 0) log.warn(`node "${node}" is held by ${formatHolder(outcome)}: waiting to see whether it lives`);
    if (waitedMs >= graceMs)
      throw refuse(node, `another host of that name lives: ${formatHolder(outcome)}. Set another NODENAME, or stop it`);
    await pause(LOOK_MS, signal);
    signal.throwIfAborted();
  }
}

/** Takes the name back after the lease was lost, without waiting for anybody. Throws as claimNode does. */
export async function reclaimNode(claimant: Claimant, signal: AbortSignal): Promise<Claim> {
  const outcome = await tryClaim(claimant, signal);
  if ('lease' in outcome) return outcome;
  throw nameTaken(claimant.node, outcome);
}
