// What Docker does not ask for: removals that could not be finished, links that were handed over while no agent ran, and what is
// left of endpoints and addresses that Docker does not know any more, as after its own files have gone.
import type { EndpointReader } from '../../attach/endpoint/endpoint-index.ts';
import { describeError } from '../../base/errors.ts';
import { toRemoveRequest, toTakenLink } from './attach-request.ts';
import type { DriverContext } from './network-driver.ts';
import type { EndpointRecord } from './records.ts';

/** Docker lists an endpoint when it has been created, which takes it moments. */
const GRACE_MS = 60_000;

export interface UpkeepContext extends DriverContext {
  readonly cache: Pick<EndpointReader, 'findEndpoint'>;
}

export interface Upkeep {
  round(nowMs: number): Promise<void>;
}

export function createUpkeep(context: UpkeepContext, signal: AbortSignal): Upkeep {
  const { attacher, engine, endpoints, handover, cache, log } = context;
  /** Endpoints that Docker did not know when it was last asked. */
  let unknown = new Set<string>();
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

  return {
    async round(nowMs) {
      for (const record of endpoints.list()) {
        if (record.state === 'leaving' || record.state === 'deleting') await finish(record);
        if (record.state === 'joined') followAgain(record);
      }
      try {
        await collectEndpoints(nowMs);
      } catch (error) {
        log.warn(`what Docker has left is not looked for: ${describeError(error)}`);
      }
    },
  };
}
