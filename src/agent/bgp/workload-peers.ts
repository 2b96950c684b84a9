// Lets the workloads that BGPPeers select speak BGP with this host: the rules, and the address that they speak to.
import { describeError } from '../../base/errors.ts';
import type { Peering } from '../../firewall/workload.ts';
import { applyLoopbackAddresses } from '../../kernel/link/loopback-addresses.ts';
import { formatIp, type Ip } from '../../net/ip.ts';
import type { PolicyUpdate } from '../../policy/types/input.ts';
import type { OwnRouting, RoutingWorkload } from '../../routing/input.ts';
import { computeWorkloadPeerings } from '../../routing/workload-sessions.ts';
import type { Log } from '../../sys/log.ts';
import { createLocalWorkloads } from './local-workloads.ts';

export interface WorkloadPeers {
  /** Takes in what an update says about workloads of this host; whether somebody may be a peer by it, or no longer. */
  update(update: PolicyUpdate): boolean;
  workloads(): readonly RoutingWorkload[];
  /** Brings rules, with the next flush, and addresses to what is asked for now. */
  follow(): void;
  /** Addresses of the host have changed. */
  touch(): void;
}

export interface WorkloadPeersContext {
  /** Undefined where this host does not speak BGP, or not yet. */
  readonly observe: () => OwnRouting | undefined;
  readonly dataplane: { setPeerings(peerings: readonly Peering[]): void };
  readonly log: Log;
}

export function createWorkloadPeers({ observe, dataplane, log }: WorkloadPeersContext): WorkloadPeers {
  const workloads = createLocalWorkloads();
  let isAsked = false;
  let addresses: readonly Ip[] | undefined;

  function apply(): void {
    if (addresses === undefined) return;
    try {
      const { added, removed } = applyLoopbackAddresses('bgp', addresses);
      for (const address of added) log.info(`workloads may speak BGP with this host at ${formatIp(address)}`);
      for (const address of removed) log.info(`no workload speaks BGP with this host at ${formatIp(address)} any more`);
    } catch (error) {
      log.error(`workloads cannot speak BGP with this host: ${describeError(error)}`);
    }
  }

  return {
    update: (update) => workloads.update(update) && isAsked,
    workloads: workloads.all,
    follow() {
      const input = observe();
      isAsked = input?.peers.some(({ target }) => target.kind === 'workloads') === true;
      const peerings = input === undefined ? [] : computeWorkloadPeerings({ ...input, workloads: workloads.all() });
      dataplane.setPeerings(peerings);
      addresses = [...new Set(peerings.map(({ address }) => address))];
      apply();
    },
    touch: apply,
  };
}
