// What happens to links, routes, addresses, neighbours and firewall tables, whoever does it, as it happens.
// The sockets are read as streams on the main thread: no worker, 0.3 ms from the kernel to the reader.
import { OcicatError } from '../../base/errors.ts';
import * as netlink from '../../sys/netlink.ts';
import { createNftablesReader, type KernelEvent, tryReadRouteEvent } from './event-message.ts';
import { readNetlinkStream } from './netlink-stream.ts';

export type { KernelEvent } from './event-message.ts';
/** Of neighbours come those of forwarding tables too. */
export type EventKind = Exclude<KernelEvent['kind'], 'overrun' | 'forwarding'>;

/** Multicast groups (linux/rtnetlink.h, RTNLGRP_…). */
const routeGroups: Readonly<Record<Exclude<EventKind, 'nftables'>, readonly number[]>> = {
  link: [1],
  neighbour: [3],
  queueing: [4],
  address: [5, 9],
  route: [7, 11],
  netconf: [24, 25],
  rule: [8, 19],
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

async function readSource(source: Source, put: (event: KernelEvent) => void, signal: AbortSignal): Promise<void> {
  const onMessage = (message: netlink.Message) => {
    const event = source.read(message);
    if (event !== undefined) put(event);
  };
  try {
    await readNetlinkStream(source.socket, onMessage, () => put({ kind: 'overrun', of: source.of }), signal);
  } catch (error) {
    throw new OcicatError('kernel', `read ${source.of} events: failed`, { cause: error });
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
