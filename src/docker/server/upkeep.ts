// What Docker does not ask for: removals that could not be finished, links that were handed over while no agent ran, and what is
// left of endpoints and addresses that Docker does not know any more, as after its own files have gone.
import { describeError } from '../../base/errors.ts';
import { isLinkAbandoned } from '../../kernel/link/workload-link-handover.ts';
import { formatIp, type Ip } from '../../net/ip.ts';
import { attachmentOfRecord, toRemoveRequest, toTakenLink } from './attach-request.ts';
import type { LateContext } from './late-identity.ts';
import type { EndpointRecord } from './records.ts';

const IPAM_DRIVER = 'calico-ipam';
/** Docker lists an endpoint when it has been created, which takes it moments. */
const GRACE_MS = 60_000;

export interface Upkeep {
  round(nowMs: number): Promise<void>;
  /** Removes the endpoint that has the address, if its container is gone without a word; returns whether it was. */
  freeAbandoned(address: Ip): Promise<boolean>;
}

export function createUpkeep(context: LateContext, signal: AbortSignal): Upkeep {
  const { attacher, attach, engine, endpoints, handleId, handover, log } = context;
  /** Endpoints that Docker did not know when it was last asked. */
  let unknown = new Set<string>();
  /** Since when addresses are held that Docker has nobody for. */
  let idleSince = new Map<Ip, number>();
  /** Links that have been followed since this agent's start. */
  const followed = new Set<string>();

  async function finish(record: EndpointRecord): Promise<void> {
    try {
      await attacher.removeIfDeferred(toRemoveRequest(context, record), signal);
    } catch (error) {
      log.warn(`endpoint "${record.endpointId}" of Docker is still to be removed: ${describeError(error)}`);
    }
  }

  function hostNameOf(record: EndpointRecord): string | undefined {
    return attach.cache.findEndpoint(attachmentOfRecord(record))?.endpoint.spec.interfaceName;
  }

  /** The agent of before may have ended between the answer to Join and the container's start. */
  function followAgain(record: EndpointRecord): void {
    const { endpointId } = record;
    const hostName = hostNameOf(record);
    if (hostName === undefined || followed.has(endpointId)) return;
    followed.add(endpointId);
    handover.follow(toTakenLink(record, hostName));
  }

  async function listKnown(records: readonly EndpointRecord[]): Promise<ReadonlySet<string>> {
    const known = new Set<string>();
    for (const networkId of new Set(records.map((record) => record.networkId)))
      for (const { endpointId } of (await engine.network(networkId))?.endpoints ?? []) known.add(endpointId);
    return known;
  }

  /** One whose container lives stays: that Docker has forgotten it, as without the mounts of its last run, does not end it. */
  function isAbandoned(record: EndpointRecord): boolean {
    const hostName = hostNameOf(record);
    return hostName === undefined || isLinkAbandoned(hostName);
  }

  async function removeAbandoned(record: EndpointRecord): Promise<void> {
    const { endpointId } = record;
    log.warn(`endpoint "${endpointId}" is of no container of Docker's any more; removed, with its addresses`);
    if (record.network === undefined) return endpoints.remove(endpointId);
    endpoints.save(endpointId, { ...record, state: 'deleting' });
    await finish(record);
  }

  /** Of those that are old enough, those that Docker did not know twice; nothing while it does not answer. */
  async function collectEndpoints(nowMs: number): Promise<void> {
    const old = endpoints.list().filter(({ createdMs }) => Math.abs(nowMs - createdMs) > GRACE_MS);
    if (old.length === 0 || !engine.isThere()) return;
    const known = await listKnown(old);
    const lost = old.filter(({ endpointId }) => !known.has(endpointId));
    for (const record of lost) if (unknown.has(record.endpointId) && isAbandoned(record)) await removeAbandoned(record);
    unknown = new Set(lost.map(({ endpointId }) => endpointId));
  }

  async function listUsed(): Promise<ReadonlySet<Ip>> {
    const used = new Set(endpoints.list().flatMap(({ addresses }) => addresses));
    for (const id of await engine.networks()) {
      const network = await engine.network(id);
      if (network?.ipamDriver !== IPAM_DRIVER) continue;
      for (const ip of network.endpoints.flatMap((one) => one.addresses)) used.add(ip);
      for (const ip of network.keptAddresses) used.add(ip);
    }
    return used;
  }

  /** Addresses that Docker has asked for and, as it ended before it could use them, never names again. */
  async function collectAddresses(nowMs: number): Promise<void> {
    const held = engine.isThere() ? await attacher.held(handleId, signal) : [];
    const used = held.length === 0 ? new Set<Ip>() : await listUsed();
    const idle = held.filter((ip) => !used.has(ip));
    idleSince = new Map(idle.map((ip) => [ip, idleSince.get(ip) ?? nowMs]));
    const due = idle.filter((ip) => Math.abs(nowMs - (idleSince.get(ip) ?? nowMs)) > GRACE_MS);
    if (due.length === 0) return;
    await attacher.releaseHeld({ handleId, addresses: due, families: [], ipv4Pools: [], ipv6Pools: [] }, signal);
    log.warn(`addresses ${due.map(formatIp).join(', ')} are not known to Docker any more; they are free`);
  }

  return {
    async freeAbandoned(address) {
      const isHolder = (one: EndpointRecord) => one.state === 'joined' && one.addresses.includes(address);
      const record = endpoints.list().find(isHolder);
      if (record === undefined || !isAbandoned(record)) return false;
      await removeAbandoned(record);
      return true;
    },
    async round(nowMs) {
      for (const record of endpoints.list()) {
        if (record.state === 'leaving' || record.state === 'deleting') await finish(record);
        if (record.state === 'joined') followAgain(record);
      }
      try {
        await collectEndpoints(nowMs);
        await collectAddresses(nowMs);
      } catch (error) {
        log.warn(`what Docker has left is not looked for: ${describeError(error)}`);
      }
    },
  };
}
