// Follows the MAC addresses of pods: a plugin that comes after ours in a chain (`tuning`) may change what ADD has made, and
// tells nobody. What has changed is true at once in the kernel, then in the store.
import { parseJson } from '../base/json.ts';
import { printResource } from '../datastore/resource-codec.ts';
import { commitDraft } from '../ipam/commit.ts';
import type { Draft } from '../ipam/draft.ts';
import type { RaisedLink } from '../kernel/workload-link.ts';
import { applyPodMac, observePodMacs, type PodMac } from '../kernel/workload-link-mac.ts';
import { HOST_MAC } from '../kernel/workload-link-spec.ts';
import { parseStored } from '../model/kind.ts';
import { workloadEndpoint } from '../model/workload-endpoint.ts';
import type { Mac } from '../net/mac.ts';
import type { CniContext } from './cni-context.ts';
import { addressesOf, idOf } from './cni-endpoint.ts';
import type { LocalEndpoint } from './cni-memory.ts';

/** After an ADD the rest of the chain runs, within moments as a rule; later changes are found when the house is kept. */
const LOOKS_AFTER_MS = [20, 60, 160, 400, 1_000, 3_000];

export type PodMacsContext = Pick<CniContext, 'datastore' | 'memory' | 'tenure' | 'policyApplied' | 'log'>;

export interface PodMacs {
  /** Follows the pod at this host's end of a link, or all pods. */
  follow(hostName?: string): Promise<void>;
  /** The link has just come up: others may change it in the next seconds. */
  watch(link: RaisedLink): void;
}

/** False when the endpoint has gone, or has it already. */
async function draftMac({ tenure }: PodMacsContext, draft: Draft, key: string, { mac }: PodMac): Promise<boolean> {
  const text = await draft.get(key);
  const endpoint = text === undefined ? undefined : parseStored(workloadEndpoint, parseJson(text));
  if (endpoint === undefined || endpoint.spec.mac === mac) return false;
  await tenure.require(draft);
  draft.put(key, printResource({ ...endpoint, spec: { ...endpoint.spec, mac } }));
  return true;
}

export function createPodMacs(context: PodMacsContext, signal: AbortSignal): PodMacs {
  const { datastore, memory, log } = context;

  async function take({ key, endpoint }: LocalEndpoint, found: PodMac): Promise<void> {
    const isReached = applyPodMac(found, addressesOf(endpoint));
    if (!isReached)
      log.error(
        `endpoint ${idOf(endpoint)}: its network namespace is not seen from here, and does not know its gateway`,
      );
    if (!memory.isDatastoreReady()) return; // it is locked; the kernel goes by what is true all the same
    const { revision } = await commitDraft(datastore, memory, (draft) => draftMac(context, draft, key, found), signal);
    await context.policyApplied(endpoint, revision, signal);
    log.info(`endpoint ${idOf(endpoint)} has the MAC address ${found.mac} now, and had ${endpoint.spec.mac}`);
  }

  /** One that has taken the host's own address is left to itself. */
  function findNews(found: readonly PodMac[]): readonly (readonly [LocalEndpoint, PodMac])[] {
    const known = new Map(memory.endpoints().map((one) => [one.endpoint.spec.interfaceName, one]));
    return found.flatMap((one) => {
      const endpoint = known.get(one.hostName);
      const isNews = endpoint !== undefined && endpoint.endpoint.spec.mac !== one.mac && one.mac !== HOST_MAC;
      return isNews ? [[endpoint, one] as const] : [];
    });
  }

  /** Where all is as expected, nothing else is looked at. */
  async function look(hostName?: string, expected?: Mac): Promise<void> {
    try {
      const found = observePodMacs(hostName).filter(({ mac }) => mac !== expected);
      if (found.length === 0) return;
      for (const [known, one] of findNews(found)) await take(known, one);
    } catch (error) {
      if (!signal.aborted) log.error('follow the MAC addresses of pods', error);
    }
  }

  async function watch({ hostName, mac }: RaisedLink): Promise<void> {
    for (const delayMs of LOOKS_AFTER_MS) {
      await Bun.sleep(delayMs);
      if (signal.aborted) return;
      await look(hostName, mac);
    }
  }

  return { follow: (hostName) => look(hostName), watch: (link) => void watch(link) };
}
