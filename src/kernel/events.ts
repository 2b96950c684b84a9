// What happens to links, routes, addresses, neighbours and firewall tables, whoever does it, as it happens.
// The sockets are read as streams on the main thread: no worker, 0.3 ms from the kernel to the reader.
import { OcicatError } from '../base/errors.ts';
import { ENOBUFS } from '../sys/libc.ts';
import * as netlink from '../sys/netlink.ts';
import { createNftablesReader, type KernelEvent, tryReadRouteEvent } from './event-message.ts';

export type { Change, KernelEvent } from './event-message.ts';
export type EventKind = Exclude<KernelEvent['kind'], 'overrun'>;

/** Multicast groups (linux/rtnetlink.h, RTNLGRP_…). */
const routeGroups: Readonly<Record<Exclude<EventKind, 'nftables'>, readonly number[]>> = {
  link: [1],
  neighbour: [3],
  address: [5, 9],
  route: [7, 11],
  netconf: [24, 25],
};
/** NFNLGRP_NFTABLES (linux/netfilter/nfnetlink.h). */
const NFTABLES_GROUP = 7;

/** Some 5,000 notifications; a full firewall load makes tens of thousands, and losing those only costs one resync. */
const RECEIVE_BUFFER_BYTES = 8 << 20;
/** Events that wait for a slow reader before they are given up for one overrun. */
const MAX_WAITING = 10_000;

interface Source {
  readonly of: 'rtnetlink' | 'nftables';
  readonly socket: netlink.Netlink;
  readonly read: (message: netlink.Message) => KernelEvent | undefined;
}

function openSources(kinds: readonly EventKind[]): readonly Source[] {
  const options = { nonBlocking: true, receiveBufferBytes: RECEIVE_BUFFER_BYTES };
  const sources: Source[] = [];
  const groups = kinds.flatMap((kind) => (kind === 'nftables' ? [] : routeGroups[kind]));
  if (groups.length > 0) {
    const socket = netlink.openNetlink(netlink.NETLINK_ROUTE, { ...options, groups });
    sources.push({ of: 'rtnetlink', socket, read: tryReadRouteEvent });
  }
  if (kinds.includes('nftables')) {
    const socket = netlink.openNetlink(netlink.NETLINK_NETFILTER, { ...options, groups: [NFTABLES_GROUP] });
    sources.push({ of: 'nftables', socket, read: createNftablesReader() });
  }
  return sources;
}

/** Hands every chunk on; ends when aborted. The stream works on a copy of the descriptor. Throws what reading throws. */
async function readChunks(fd: number, onChunk: (bytes: Uint8Array) => void, signal: AbortSignal): Promise<void> {
  const reader = Bun.file(fd).stream().getReader();
  const cancel = () => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', cancel, { once: true });
  try {
    while (!signal.aborted) {
      const { done, value } = await reader.read();
      if (done) return;
      onChunk(value);
    }
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

function isOverrun(error: unknown): boolean {
  return error instanceof Error && 'errno' in error && Math.abs(Number(error.errno)) === ENOBUFS;
}

/** Bytes that whole messages take up: less than all of them when a message was cut off. */
function wholeBytes(bytes: Uint8Array): number {
  let whole = 0;
  for (const message of netlink.readMessages(bytes)) whole += (16 + message.payload.length + 3) & ~3;
  return whole;
}

async function readSource(source: Source, put: (event: KernelEvent) => void, signal: AbortSignal): Promise<void> {
  const onChunk = (bytes: Uint8Array) => {
    for (const message of netlink.readMessages(bytes)) {
      const event = source.read(message);
      if (event !== undefined) put(event);
    }
    if (wholeBytes(bytes) < bytes.length) put({ kind: 'overrun', of: source.of });
  };
  while (!signal.aborted) {
    try {
      await readChunks(source.socket.fd, onChunk, signal);
    } catch (error) {
      if (!isOverrun(error)) throw new OcicatError('kernel', `read ${source.of} events: failed`, { cause: error });
      put({ kind: 'overrun', of: source.of });
    }
  }
}

/**
 * Listens from the moment of the call, in the calling thread's network namespace, until aborted: what is observed after
 * the call cannot miss a change. Ends quietly when aborted; throws `kernel` when a socket cannot be read.
 */
export function observeKernelEvents(
  signal: AbortSignal,
  kinds: readonly EventKind[] = ['link', 'route', 'address', 'neighbour', 'nftables'],
): AsyncIterable<KernelEvent> {
  const sources = openSources(kinds);
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let waiting: KernelEvent[] = [];
  let failure: { readonly error: unknown } | undefined;
  let wake = (): void => undefined;
  both.addEventListener('abort', () => wake());

  const put = (event: KernelEvent): void => {
    if (waiting.length >= MAX_WAITING) waiting = sources.map(({ of }) => ({ kind: 'overrun', of }));
    else waiting.push(event);
    wake();
  };
  const read = async (source: Source): Promise<void> => {
    try {
      await readSource(source, put, both);
    } catch (error) {
      failure = { error };
      stop.abort();
    } finally {
      source.socket.close();
    }
  };
  for (const source of sources) void read(source);

  async function* events(): AsyncGenerator<KernelEvent> {
    try {
      while (!both.aborted) {
        const batch = waiting;
        waiting = [];
        yield* batch;
        if (waiting.length > 0 || both.aborted) continue;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (failure !== undefined) throw failure.error;
    } finally {
      stop.abort();
    }
  }
  return events();
}
