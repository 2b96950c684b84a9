// What Docker does not ask for: removals that could not be finished, links that were handed over while no agent ran, and what is
// left of endpoints and addresses that Docker does not know any more, as after its own files have gone.
import type { EndpointReader } from '../../attach/endpoint/endpoint-index.ts';
import { describeError } from '../../base/errors.ts';
import { formatIp, type Ip } from '../../net/ip.ts';
import { toRemoveRequest, toTakenLink } from './attach-request.ts';
import type { DriverContext } from './network-driver.ts';
import type { EndpointRecord } from './records.ts';

const IPAM_DRIVER = 'calico-ipam';
/** Docker lists an endpoint when it has been created, which takes it moments. */
const GRACE_MS = 60_000;

export interface UpkeepContext extends DriverContext {
  readonly cache: Pick<EndpointReader, 'findEndpoint'>;
}

export interface Upkeep {
  round(nowMs: number): Promise<void>;
}

export function createUpkeep(context: UpkeepContext, signal: AbortSignal): Upkeep {
  const { attacher, engine, endpoints, handleId, handover, cache, log } = context;
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

  /** The agent of before may have ended between the answer to Join and the container's start. */
  function followAgain(record: EndpointRecord): void {
    const { endpointId } = record;
    const known = cache.findEndpoint({ containerId: endpointId, interfaceName: 'eth0' });
    const hostName = known?.endpoint.spec.interfaceName;
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

  async function removeUnknown(record: EndpointRecord): Promise<void> {
    const { endpointId } = record;
    log.warn(`endpoint "${endpointId}" is not known to Docker any more; removed, with its addresses`);
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
    for (const record of lost) if (unknown.has(record.endpointId)) await removeUnknown(record);
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
