// The resolver of this host's workloads: it is there, with its addresses on the loopback, while there are some who may ask it.
import { describeError } from '../../base/errors.ts';
import { applyLoopbackAddresses } from '../../kernel/link/loopback-addresses.ts';
import { tryReadNamedEndpoint } from '../../names/named-endpoint.ts';
import { createZone } from '../../names/zone.ts';
import { type Family, formatIp, type Ip } from '../../net/ip.ts';
import { RESOLVER } from '../../net/resolver-address.ts';
import type { Log } from '../../sys/log.ts';
import { tryReadSysctl } from '../../sys/sysctl.ts';
import { createForwarder } from './forwarder.ts';
import { createHostServers } from './host-servers.ts';
import { createResponder, type Responder } from './responder.ts';
import { listenTcp } from './tcp-listener.ts';
import { type Listener, listenUdp } from './udp-listener.ts';
import { exchange } from './upstream.ts';

/** A port that somebody else has may be free later. */
const RETRY_MS = 5_000;

export interface ResolverContext {
  readonly nodeName: string;
  /** Path of the host's root. */
  readonly root: string;
  readonly log: Log;
}

export interface Resolver {
  /** Takes in an endpoint of any host, by its id, as it stands in the store: its JSON, undefined when it is gone. */
  update(id: string, resource: unknown): void;
  /** The store has been read whole: from now on what is not known is not there. */
  start(): void;
  /** Addresses of the host have changed. */
  touch(): void;
  close(): void;
}

/** IPv6 may be switched off. */
function familiesOfHost(): readonly Family[] {
  return tryReadSysctl('net/ipv6/conf/lo/disable_ipv6') === '0' ? [4, 6] : [4];
}

async function listen(address: Ip, respond: Responder): Promise<Listener> {
  const udp = await listenUdp(address, respond);
  try {
    const tcp = listenTcp(address, respond);
    return {
      close() {
        udp.close();
        tcp.close();
      },
    };
  } catch (error) {
    udp.close();
    throw error;
  }
}

export function createResolver({ nodeName, root, log }: ResolverContext): Resolver {
  const zone = createZone();
  const nowMs = () => performance.now();
  const randomId = () => crypto.getRandomValues(new Uint16Array(1))[0] ?? 0;
  const forwarder = createForwarder({ servers: createHostServers(root, nowMs), exchange, randomId, nowMs });
  const respond = createResponder({ zone, forwarder, nowMs });
  const listeners = new Map<Ip, Listener>();
  /** What was last said to be wrong. */
  let logged = '';
  let isRead = false;
  let isClosed = false;
  let working: Promise<void> = Promise.resolve();
  let retry: ReturnType<typeof setTimeout> | undefined;

  function report(error: unknown): void {
    const text = describeError(error);
    if (text !== logged) log.error(`workloads find no names by asking this host: ${text}`);
    logged = text;
    retry ??= setTimeout(() => {
      retry = undefined;
      follow();
    }, RETRY_MS);
  }

  async function open(address: Ip): Promise<void> {
    if (listeners.has(address)) return;
    const listener = await listen(address, respond);
    if (isClosed) return listener.close();
    listeners.set(address, listener);
    logged = '';
    log.info(`workloads may ask this host for names at ${formatIp(address)}`);
  }

  function closeListeners(): void {
    for (const listener of listeners.values()) listener.close();
    listeners.clear();
  }

  /** An address at which somebody else would answer is none. */
  async function tryOpen(wanted: readonly Ip[]): Promise<void> {
    try {
      applyLoopbackAddresses('names', wanted);
      for (const address of wanted) await open(address);
    } catch (error) {
      report(error);
      applyLoopbackAddresses('names', [...listeners.keys()]);
    }
  }

  /** Nobody is left who may ask: what the last one has asked goes with it. */
  async function apply(): Promise<void> {
    if (isClosed || !isRead) return;
    const wanted = zone.hasAskers() ? familiesOfHost().map((family) => RESOLVER[family]) : [];
    if (wanted.length === 0) closeListeners();
    await tryOpen(wanted).catch(report);
  }

  /** What has failed waits for its time, also when taking the address away is news of the host. */
  function follow(): void {
    if (retry === undefined) working = working.then(apply);
  }

  return {
    update(id, resource) {
      const had = zone.hasAskers();
      zone.set(id, resource === undefined ? undefined : tryReadNamedEndpoint(resource, nodeName));
      if (zone.hasAskers() !== had) follow();
    },
    start() {
      isRead = true;
      follow();
    },
    touch: follow,
    close() {
      isClosed = true;
      clearTimeout(retry);
      closeListeners();
    },
  };
}
