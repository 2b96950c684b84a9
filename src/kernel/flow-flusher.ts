// Ends the flows of addresses that are about to be given to others, without making the main thread wait for the kernel.
import type { Ip } from '../net/ip.ts';
import { NETLINK_NETFILTER, openNetlink } from '../sys/netlink.ts';
import { openKernelWorker } from './worker.ts';

export interface FlowFlusher {
  /** Resolves when the kernel remembers no flow of these addresses. Throws `kernel`. */
  flush(addresses: readonly Ip[]): Promise<void>;
  close(): void;
}

/** Works in the calling thread's network namespace. */
export function openFlowFlusher(): FlowFlusher {
  const socket = openNetlink(NETLINK_NETFILTER);
  const worker = openKernelWorker();
  return {
    async flush(addresses) {
      if (addresses.length > 0) await worker.ask({ kind: 'flush-flows', fd: socket.fd, addresses });
    },
    close() {
      worker.close();
      socket.close();
    },
  };
}
