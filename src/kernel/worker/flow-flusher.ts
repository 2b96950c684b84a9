// Ends the flows of addresses that are or may come to be somebody else's, without making the main thread wait for the kernel.
import { type Ip, isIpv4 } from '../../net/ip.ts';
import type { PortMapping } from '../../net/port-mapping.ts';
import { NETLINK_NETFILTER, type Netlink, openNetlink } from '../../sys/netlink.ts';
import { countFlows, MAX_SEARCHES, tryDeleteByFilter } from '../flow/conntrack.ts';
import { flushPortFlows } from '../flow/port-flows.ts';
import { observeHostInterfaces } from '../link/host-interfaces.ts';
import { openKernelWorker } from './worker.ts';

export interface FlowFlusher {
  /** Resolves when the kernel remembers no flow of these addresses. Throws `kernel`. */
  flush(addresses: readonly Ip[]): Promise<void>;
  /** Resolves when the kernel remembers no flow to these ports of the host that leads elsewhere than they do. Throws `kernel`. */
  flushPorts(mappings: readonly PortMapping[]): Promise<void>;
  close(): void;
}

/** Up to this many flows the kernel takes less time than asking a worker does, and the worker's 5 MB are saved. */
const MAX_FLOWS_AT_ONCE = 2000;

/** False when it would take long, or takes more than the kernel's own search. */
function tryFlushAtOnce(socket: Netlink, addresses: readonly Ip[]): boolean {
  const flows = countFlows(socket);
  if (flows === 0) return true;
  if (flows > MAX_FLOWS_AT_ONCE || addresses.length > MAX_SEARCHES) return false;
  return addresses.every((ip) => isIpv4(ip) && tryDeleteByFilter(socket, ip));
}

/** Works in the calling thread's network namespace. */
export function openFlowFlusher(): FlowFlusher {
  const [socket, workerSocket] = [openNetlink(NETLINK_NETFILTER), openNetlink(NETLINK_NETFILTER)];
  const worker = openKernelWorker();
  let isClosed = false;
  return {
    async flush(addresses) {
      if (!isClosed && tryFlushAtOnce(socket, addresses)) return;
      await worker.ask({ kind: 'flush-flows', fd: workerSocket.fd, addresses });
    },
    async flushPorts(mappings) {
      const own = observeHostInterfaces().flatMap(({ addresses }) => addresses);
      if (isClosed || countFlows(socket) > MAX_FLOWS_AT_ONCE)
        await worker.ask({ kind: 'flush-ports', fd: workerSocket.fd, mappings, own });
      else flushPortFlows(socket, mappings, own);
    },
    close() {
      isClosed = true;
      worker.close();
      workerSocket.close();
      socket.close();
    },
  };
}
