// Removes workload links. Taking one down, which ends all traffic and drops its routes and neighbours, is done before the
// caller is answered; deleting it, for which the kernel waits 16–24 ms, is done on a worker for all that have gathered.
import { OcicatError } from '../../base/errors.ts';
import * as netlink from '../../sys/netlink.ts';
import { observeLink } from '../link/links.ts';
import { markForRemoval, observeMarked } from '../link/removal-group.ts';
import { isWorkloadLink } from '../link/workload-link-spec.ts';
import { openKernelWorker } from './worker.ts';

export interface LinkRemover {
  /**
   * When it resolves with `removed`, nothing on the host leads to the link's addresses: they may be given to somebody
   * else. The link's name is free when `settled` resolves; createWorkloadLink deletes it by itself if it cannot wait.
   * Throws `invalid` for a link that is not a workload's.
   */
  remove(hostName: string, signal?: AbortSignal): Promise<'removed' | 'absent'>;
  /** Resolves when all links removed so far are deleted; throws `kernel` when the kernel refused. */
  settled(): Promise<void>;
  /** Finishes what was begun and ends the worker. */
  close(): Promise<void>;
}

interface Deleter {
  /** Deletes what is marked now; calls that come while it works share one more round. */
  start(): void;
  settled(): Promise<void>;
  close(): void;
}

function openDeleter(fd: number): Deleter {
  const worker = openKernelWorker();
  let round: Promise<void> | undefined;
  let again = false;
  let failure: OcicatError | undefined;

  /** Never rejects: a failure is kept for whoever asks, and the links stay marked for the next round. */
  async function run(): Promise<void> {
    do {
      again = false;
      try {
        await worker.ask({ kind: 'delete-links', fd });
        failure = undefined;
      } catch (cause) {
        failure = new OcicatError('kernel', 'delete links: refused', { cause });
      }
    } while (again);
    round = undefined;
  }

  return {
    start() {
      if (round === undefined) round = run();
      else again = true;
    },
    async settled() {
      await round;
      if (failure !== undefined) throw failure;
    },
    close: () => worker.close(),
  };
}

/** Works in the calling thread's network namespace, and finishes there what an earlier run has left marked. */
export function openLinkRemover(): LinkRemover {
  const socket = netlink.openNetlink(netlink.NETLINK_ROUTE);
  const workerSocket = netlink.openNetlink(netlink.NETLINK_ROUTE);
  const deleter = openDeleter(workerSocket.fd);
  if (observeMarked(socket)) deleter.start();
  return {
    async remove(hostName, signal) {
      signal?.throwIfAborted();
      const link = observeLink(socket, hostName);
      if (link === undefined) return 'absent';
      if (!isWorkloadLink(link))
        throw new OcicatError('invalid', `remove link "${hostName}": it is not the link of a workload`);
      if (!markForRemoval(socket, link.index)) return 'absent';
      deleter.start();
      return 'removed';
    },
    settled: deleter.settled,
    async close() {
      try {
        await deleter.settled();
      } finally {
        deleter.close();
        workerSocket.close();
        socket.close();
      }
    },
  };
}
