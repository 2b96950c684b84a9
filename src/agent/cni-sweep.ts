// Endpoints whose link has been gone for a while: after a reboot, or when a runtime took the container away and never sent
// DEL. Their addresses would be lost; a DEL that does come later finds nothing left to do.
import { describeError } from '../base/errors.ts';
import { OWN_IPAM } from '../cni/config.ts';
import type { CniCall } from '../cni/request.ts';
import type { WorkloadEndpoint } from '../model/workload-endpoint.ts';
import type { CniContext } from './cni-context.ts';
import { idOf } from './cni-endpoint.ts';
import type { CniAnswer } from './cni-wire.ts';

/** Long enough for a runtime that restarts its containers after a reboot, or that is only slow with its DEL. */
export const SWEEP_GRACE_MS = 10 * 60_000;

export interface Sweeper {
  /** Removes what has had no link for SWEEP_GRACE_MS, as seen by the sweeps themselves. Returns how many. */
  sweep(): Promise<number>;
}

/** The DEL that the runtime owes us. */
function delOf(endpoint: WorkloadEndpoint): CniCall {
  const { containerID = '', endpoint: interfaceName, profiles = [] } = endpoint.spec;
  return {
    program: 'calico',
    variables: { CNI_COMMAND: 'DEL', CNI_CONTAINERID: containerID, CNI_IFNAME: interfaceName, CNI_PATH: '/' },
    input: JSON.stringify({
      cniVersion: '1.0.0',
      name: profiles[0] ?? 'none',
      type: 'calico',
      ipam: { type: OWN_IPAM },
    }),
  };
}

export function createSweeper(context: CniContext, answer: (call: CniCall) => Promise<CniAnswer>): Sweeper {
  /** When an endpoint was first seen without a link, by id. */
  let missingSince = new Map<string, number>();

  function findOverdue(): readonly WorkloadEndpoint[] {
    const nowMs = context.now();
    const links = new Set(context.links.observe().map(({ name }) => name));
    const missing = context.memory
      .endpoints()
      .map(({ endpoint }) => endpoint)
      .filter(({ spec }) => !links.has(spec.interfaceName ?? ''));
    missingSince = new Map(missing.map((endpoint) => [idOf(endpoint), missingSince.get(idOf(endpoint)) ?? nowMs]));
    return missing.filter((endpoint) => nowMs - (missingSince.get(idOf(endpoint)) ?? nowMs) >= SWEEP_GRACE_MS);
  }

  return {
    async sweep() {
      let removed = 0;
      for (const endpoint of findOverdue()) {
        const { status, output } = await answer(delOf(endpoint));
        if (status === 0) removed += 1;
        const words = `endpoint "${idOf(endpoint)}" has had no link for ${SWEEP_GRACE_MS / 60_000} minutes`;
        if (status === 0) context.log.info(`${words}: removed`);
        else context.log.warn(`${words} and could not be removed`, describeError(output));
      }
      return removed;
    },
  };
}
