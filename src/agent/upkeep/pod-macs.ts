// Follows the MAC addresses of pods: a plugin that comes after ours in a chain (`tuning`) may change what ADD has made, and
// tells nobody. What has changed is true at once in the kernel, then in the store.

import type { AttachContext } from '../../attach/context.ts';
import { addressesOf, idOf } from '../../attach/endpoint/endpoint.ts';
import type { LocalEndpoint } from '../../attach/endpoint/endpoint-index.ts';
import { parseResourceAt, printResource } from '../../datastore/resource/resource-codec.ts';
import { commitTransaction } from '../../ipam/commit.ts';
import type { TransactionBuilder } from '../../ipam/transaction-builder.ts';
import { observeWorkloadLinks, type RaisedLink } from '../../kernel/link/workload-link.ts';
import { applyPodMac, observePodMacOf, observePodMacs, type PodMac } from '../../kernel/link/workload-link-mac.ts';
import { HOST_MAC } from '../../kernel/link/workload-link-spec.ts';
import { workloadEndpoint } from '../../model/endpoint/workload-endpoint.ts';
import type { Mac } from '../../net/mac.ts';

/** After an ADD the rest of the chain runs, within moments as a rule; later changes are noticed by periodic upkeep. */
const LOOKS_AFTER_MS = [20, 60, 160, 400, 1_000, 3_000];

/** Links that a sweep looks at in one go. */
const AT_A_TIME = 50;

export type PodMacsContext = Pick<AttachContext, 'datastore' | 'cache' | 'nodeLease' | 'policyApplied' | 'log'>;

export interface PodMacs {
  /** Follows the pod at this host's end of a link. */
  follow(hostName: string): Promise<void>;
  /** Follows all pods. */
  sweep(): Promise<void>;
  /** The link has just come up: others may change it in the next seconds. */
  watch(link: RaisedLink): void;
}

/** False when the endpoint has gone, or has it already. */
async function buildMac(
  { nodeLease }: PodMacsContext,
  builder: TransactionBuilder,
  key: string,
  { mac }: PodMac,
): Promise<boolean> {
  const text = await builder.get(key);
  const endpoint = text === undefined ? undefined : parseResourceAt(workloadEndpoint, key, text);
  if (endpoint === undefined || endpoint.spec.mac === mac) return false;
  await nodeLease.require(builder);
  builder.put(key, printResource({ ...endpoint, spec: { ...endpoint.spec, mac } }));
  return true;
}

export function createPodMacs(context: PodMacsContext, signal: AbortSignal): PodMacs {
  const { datastore, cache, log } = context;

  async function take({ key, endpoint }: LocalEndpoint, observed: PodMac): Promise<void> {
    const isReached = applyPodMac(observed, addressesOf(endpoint));
    if (!isReached)
      log.error(
        `endpoint ${idOf(endpoint)}: its network namespace is not seen from here, and does not know its gateway`,
      );
    if (!cache.isDatastoreReady()) return; // it is locked; the kernel goes by what is true all the same
    const { revision } = await commitTransaction(
      datastore,
      cache,
      (builder) => buildMac(context, builder, key, observed),
      signal,
    );
    await context.policyApplied(endpoint, revision, signal);
    log.info(`endpoint ${idOf(endpoint)} has the MAC address ${observed.mac} now, and had ${endpoint.spec.mac}`);
  }

  /** One that has taken the host's own address is left to itself. */
  function findNews(observed: readonly PodMac[]): readonly (readonly [LocalEndpoint, PodMac])[] {
    const known = new Map(cache.endpoints().map((one) => [one.endpoint.spec.interfaceName, one]));
    return observed.flatMap((one) => {
      const endpoint = known.get(one.hostName);
      const isNews = endpoint !== undefined && endpoint.endpoint.spec.mac !== one.mac && one.mac !== HOST_MAC;
      return isNews ? [[endpoint, one] as const] : [];
    });
  }

  async function takeAll(observed: readonly PodMac[]): Promise<void> {
    for (const [known, one] of findNews(observed)) await take(known, one);
  }

  async function logFailure(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) log.error('follow the MAC addresses of pods', error);
    }
  }

  /** Where it is as expected, nothing else is looked at. */
  async function lookAt(hostName: string, expected?: Mac): Promise<void> {
    const observed = observePodMacOf(hostName);
    if (observed !== undefined && observed.mac !== expected) await takeAll([observed]);
  }

  async function sweep(): Promise<void> {
    const all = observeWorkloadLinks();
    for (let at = 0; at < all.length && !signal.aborted; at += AT_A_TIME) {
      await takeAll(observePodMacs(all.slice(at, at + AT_A_TIME)));
      await Bun.sleep(0); // calls of runtimes go on between
    }
  }

  async function watch({ hostName, mac }: RaisedLink): Promise<void> {
    for (const delayMs of LOOKS_AFTER_MS) {
      await Bun.sleep(delayMs);
      if (signal.aborted) return;
      await logFailure(() => lookAt(hostName, mac));
    }
  }

  return {
    follow: (hostName) => logFailure(() => lookAt(hostName)),
    sweep: () => logFailure(sweep),
    watch: (link) => void watch(link),
  };
}
