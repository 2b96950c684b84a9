// A flood of packets from one pod to another, some of a kind that policy allows and some of one that it denies, and how many
// of each arrived. Every packet meets the policy: connection tracking, which would let later ones pass, leaves them out.
import { type Ip, isIpv4 } from '../../../src/net/ip.ts';
import { bind, close, connect, socket } from '../../../src/sys/libc.ts';
import { inNetns, nft, runIn } from './firewall-net.ts';
import { type Pod, socketAddress } from './firewall-pods.ts';
import type { FloodOrder, FloodReport } from './flood.worker.ts';

export const ALLOWED_PORT = 1000;
export const DENIED_PORT = 2000;

const SOCK_DGRAM = 2;
const MAX_MS = 30_000;

export interface Flood {
  /** Ends it; packets of the allowed kind that were lost, and of the denied kind that arrived. */
  stop(): Promise<FloodResult>;
}

interface FloodResult {
  readonly sent: number;
  readonly lost: number;
  readonly passed: number;
}

/** Once for each pair: packets of the flood are untracked on the host, and counted and dropped at the receiver. */
export function prepareFlood(host: string, to: Pod): void {
  const ports = `{ ${ALLOWED_PORT}, ${DENIED_PORT} }`;
  nft(
    host,
    `table inet flood { chain first { type filter hook prerouting priority -310; udp dport ${ports} notrack; }; }`,
  );
  const counting = [ALLOWED_PORT, DENIED_PORT].map((port) => `udp dport ${port} counter drop;`).join(' ');
  nft(to.netns, `table inet flood { chain first { type filter hook prerouting priority -310; ${counting} }; }`);
}

/** Packets that arrived of each kind. */
function observeArrived(to: Pod): readonly number[] {
  const listed = runIn(to.netns, ['nft', 'list', 'table', 'inet', 'flood']);
  return [...listed.matchAll(/counter packets (\d+)/g)].map(([, count]) => Number(count));
}

function openSocket(netns: string, from: Ip, to: Ip, port: number): number {
  return inNetns(netns, () => {
    const fd = socket(isIpv4(to) ? 2 : 10, SOCK_DGRAM, 0);
    bind(fd, socketAddress(from, 0));
    connect(fd, socketAddress(to, port));
    return fd;
  });
}

/** Returns when packets are on their way. `sources`: addresses of the sender, one of each family or several. */
export async function startFlood(from: Pod, to: Pod, sources: readonly Ip[] = [from.ipv4, from.ipv6]): Promise<Flood> {
  const before = observeArrived(to);
  const kinds = sources.flatMap((source) => [ALLOWED_PORT, DENIED_PORT].map((port) => ({ source, port })));
  const fds = kinds.map(({ source, port }) => openSocket(from.netns, source, isIpv4(source) ? to.ipv4 : to.ipv6, port));
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('./flood.worker.ts', import.meta.url).href);
  const started = Promise.withResolvers<void>();
  const result = Promise.withResolvers<readonly number[]>();
  worker.onmessage = ({ data }: MessageEvent<FloodReport>) =>
    data === undefined ? started.resolve() : result.resolve(data);
  worker.onerror = (event) => {
    started.reject(new Error(event.message));
    result.reject(new Error(event.message));
  };
  const order: FloodOrder = { fds, stop, maxMs: MAX_MS };
  worker.postMessage(order);
  await started.promise;
  return {
    async stop() {
      Atomics.store(stop, 0, 1);
      const sent = await result.promise;
      worker.terminate();
      for (const fd of fds) close(fd);
      const [allowed = 0, denied = 0] = observeArrived(to).map((count, index) => count - (before[index] ?? 0));
      const sentAllowed = sent.reduce((sum, count, index) => sum + (index % 2 === 0 ? count : 0), 0);
      return { sent: sentAllowed, lost: sentAllowed - allowed, passed: denied };
    },
  };
}
