// The links of workloads as whoever attaches one works with them: made, raised, checked and removed in the kernel.
import type { WorkloadLinks } from '../attach/context.ts';
import { findGoneNetns, identifyNetns } from '../kernel/link/netns-identity.ts';
import {
  checkWorkloadLink,
  createWorkloadLink,
  isForeignLink,
  observeWorkloadLinks,
} from '../kernel/link/workload-link.ts';
import { raiseWorkloadLink } from '../kernel/reconcile/raise-link.ts';
import type { FlowFlusher } from '../kernel/worker/flow-flusher.ts';
import type { LinkRemover } from '../kernel/worker/link-remover.ts';
import type { PodMacs } from './upkeep/pod-macs.ts';

/** In the calling thread's network namespace. */
export function createWorkloadLinks(remover: LinkRemover, flusher: FlowFlusher, podMacs: PodMacs): WorkloadLinks {
  return {
    create: createWorkloadLink,
    isForeign: isForeignLink,
    raise(link) {
      raiseWorkloadLink(link);
      podMacs.watch(link);
    },
    follow: podMacs.follow,
    check: checkWorkloadLink,
    observe: observeWorkloadLinks,
    remove: remover.remove,
    settled: remover.settled,
    endFlows: flusher.flush,
    identifyNetns,
    findGoneNetns,
  };
}

/** Names of those that packets can pass. */
export function observeRunningLinks(): ReadonlySet<string> {
  return new Set(observeWorkloadLinks().flatMap(({ name, running }) => (running ? [name] : [])));
}
