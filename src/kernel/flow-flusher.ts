// Ends the flows of addresses that are about to be given to others, without making the main thread wait for the kernel.
import { type Ip, isIpv4 } from '../net/ip.ts';
import { NETLINK_NETFILTER, type Netlink, openNetlink } from '../sys/netlink.ts';
import { tryReadSysctl } from '../sys/sysctl.ts';
import { tryDeleteByFilter } from './conntrack.ts';
import { openKernelWorker } from './worker.ts';

export interface FlowFlusher {
  /** Resolves when the kernel remembers no flow of these addresses. Throws `kernel`. */
  flush(addresses: readonly Ip[]): Promise<void>;
  close(): void;
}

/** Up to this many flows the kernel takes less time than asking a worker does, and the worker's 5 MB are saved. */
const MAX_FLOWS_AT_ONCE = 2000;

/** False when it would take long, or takes more than the kernel's own search. */
function tryFlushAtOnce(socket: Netlink, addresses: readonly Ip[]): boolean {
  if (Number(tryReadSysctl('net/netfilter/nf_conntrack_count') ?? Infinity) > MAX_FLOWS_AT_ONCE) return false;
  return addresses.every((ip) => isIpv4(ip) && tryDeleteByFilter(socket, ip));
}

/** Works in the calling thread's network namespace. */
export function openFlowFlusher(): FlowFlusher {
  const [socket, workerSocket] = [openNetlink(NETLINK_NETFILTER), openNetlink(NETLINK_NETFILTER)];
  const worker = openKernelWorker();
  return {
    async flush(addresses) {
      if (tryFlushAtOnce(socket, addresses)) return;
      await worker.ask({ kind: 'flush-flows', fd: workerSocket.fd, addresses });
    },
    close() {
      worker.close();
      workerSocket.close();
      socket.close();
    },
  };
}
