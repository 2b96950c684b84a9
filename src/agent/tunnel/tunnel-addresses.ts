// This host's addresses inside of tunnels: had from address assignment as long as there is a pool for them, and shown on its Node with
// the MAC address of the device. Address and Node are one transaction: a kill leaves both or none.
import { printKey } from '../../datastore/keys.ts';
import type { Datastore, Revision } from '../../datastore/port.ts';
import { printResource } from '../../datastore/resource/resource-codec.ts';
import { commitTransaction, type StoreCache } from '../../ipam/commit.ts';
import { buildKeptAddress } from '../../ipam/kept-address.ts';
import type { Pool } from '../../ipam/pool.ts';
import type { TransactionBuilder } from '../../ipam/transaction-builder.ts';
import type { IpamView } from '../../ipam/view.ts';
import { parseStoredDocument, type StoredDocument } from '../../model/meta/stored.ts';
import { formatIp, type Ip, tryParseIp } from '../../net/ip.ts';
import { hashVtepMac } from '../../routing/vtep-mac.ts';
import { membersOf } from '../../schema/document.ts';
import { matchSelector } from '../../selector/match.ts';
import type { Log } from '../../sys/log.ts';
import type { NodeLease } from '../node/node-lease.ts';
import { type Fields, fieldAt, TUNNEL_KINDS, type TunnelKind, withFieldAt } from './tunnel-kinds.ts';

const RETRY_MS = 5_000;

export interface TunnelAddressesContext {
  readonly nodeName: string;
  readonly datastore: Datastore;
  readonly cache: StoreCache & { readonly ipam: IpamView; isInSync(): boolean };
  readonly nodeLease: Pick<NodeLease, 'require'>;
  /** Whether hosts encrypt what is their own, with the address that they have. */
  readonly encryptsHosts: () => boolean;
  readonly log: Log;
  now(): number;
}

export interface TunnelAddresses {
  /** Pools, the Node or its settings may have changed. */
  touch(): void;
}

/** Those whose packets go through the tunnel, and that lend to tunnels here: also those that must be asked for by name. */
function poolsFor(kind: TunnelKind, pools: readonly Pool[], labels: ReadonlyMap<string, string>): readonly Pool[] {
  return pools.filter(
    (pool) =>
      pool.family === kind.family &&
      (kind.encapsulation ?? pool.encapsulation) === pool.encapsulation &&
      pool.allowedUses.includes('Tunnel') &&
      matchSelector(pool.nodeSelector, labels),
  );
}

/** Whether the node, as its status says, has such a tunnel at all. */
function isWanted({ keyField }: TunnelKind, status: unknown, encryptsHosts: boolean): boolean {
  return keyField === undefined || (Boolean(membersOf(status)?.[keyField]) && !encryptsHosts);
}

/** A pool that gives no new addresses still has its workloads, and their tunnel. */
async function buildAddress(
  { nodeName, cache, encryptsHosts, now }: TunnelAddressesContext,
  kind: TunnelKind,
  builder: TransactionBuilder,
  { spec, status }: StoredDocument,
): Promise<Ip | undefined> {
  const pools = isWanted(kind, status, encryptsHosts()) ? cache.ipam.pools() : [];
  const rightful = poolsFor(kind, pools, cache.ipam.nodeLabels() ?? new Map());
  const standing = fieldAt(spec, kind.path);
  return buildKeptAddress(
    { view: cache.ipam, builder, nowMs: now() },
    {
      handleId: `${kind.handlePrefix}-${nodeName}`,
      attributes: { node: nodeName, type: kind.type },
      ...{ use: 'Tunnel', family: kind.family, rightful },
      open: rightful.filter(({ enabled }) => enabled),
      preferred: typeof standing === 'string' ? tryParseIp(standing) : undefined,
    },
  );
}

/** A MAC address that somebody has set stays; the usual one comes and goes with the address. */
function withMac(spec: Fields, { macField, family }: TunnelKind, node: string, hasAddress: boolean): Fields {
  if (macField === undefined) return spec;
  const usual = hashVtepMac(node, family);
  const standing = spec[macField];
  if (standing !== undefined && standing !== usual) return spec;
  return withFieldAt(spec, [macField], hasAddress ? usual : undefined);
}

function keyOfNode(name: string): string {
  return printKey({ kind: 'resource', resourceKind: 'Node', namespace: undefined, name });
}

/** The Node with the address that the host has now; returns what has become other, as a sentence. */
async function buildNode(
  context: TunnelAddressesContext,
  kind: TunnelKind,
  builder: TransactionBuilder,
): Promise<string | undefined> {
  const { nodeName } = context;
  const key = keyOfNode(nodeName);
  await context.nodeLease.require(builder);
  const text = await builder.get(key);
  if (text === undefined) return undefined; // it is to be registered first
  const document = parseStoredDocument('read own node', { kind: 'Node', namespace: undefined, name: nodeName }, text);
  const standing = fieldAt(document.spec, kind.path);
  const ip = await buildAddress(context, kind, builder, document);
  const address = ip === undefined ? undefined : formatIp(ip);
  const spec = withMac(withFieldAt(document.spec, kind.path, address), kind, nodeName, address !== undefined);
  const next = printResource({ ...document, spec });
  if (next !== printResource(document)) builder.put(key, next);
  return standing === address ? undefined : `the node's ${kind.type} is ${address ?? 'none'} now`;
}

interface Known {
  readonly pools: readonly Pool[];
  /** Of the Node. */
  readonly revision: Revision | undefined;
  readonly encryptsHosts: boolean;
}

/** A value is read once, so the same pools are the same objects. */
function isSame(a: Known | undefined, b: Known): boolean {
  if (a === undefined || a.revision !== b.revision || a.encryptsHosts !== b.encryptsHosts) return false;
  if (a.pools.length !== b.pools.length) return false;
  return a.pools.every((pool, index) => pool === b.pools[index]);
}

/** Whether anything that the addresses follow from is other than when it was asked last. */
function createNews({ nodeName, cache, encryptsHosts }: TunnelAddressesContext): { isNew(): boolean; forget(): void } {
  let last: Known | undefined;
  return {
    isNew() {
      const revision = cache.known(keyOfNode(nodeName))?.modRevision;
      const now = { pools: cache.ipam.pools(), revision, encryptsHosts: encryptsHosts() };
      const isNew = !isSame(last, now);
      last = now;
      return isNew;
    },
    forget() {
      last = undefined;
    },
  };
}

/** Looks whenever it is touched, once the store has been read, and until aborted. */
export function followTunnelAddresses(context: TunnelAddressesContext, signal: AbortSignal): TunnelAddresses {
  const { datastore, cache, log } = context;
  const news = createNews(context);
  const complaints = new Map<string, string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isBusy = false;

  function complain({ type }: TunnelKind, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (message !== complaints.get(type)) log.error(`have the ${type} of this host`, error);
    complaints.set(type, message);
    news.forget();
  }

  async function settle(kind: TunnelKind): Promise<void> {
    try {
      const build = (builder: TransactionBuilder) => buildNode(context, kind, builder);
      const { result } = await commitTransaction(datastore, cache, build, signal);
      if (result !== undefined) log.info(result);
      complaints.delete(kind.type);
    } catch (error) {
      if (!signal.aborted) complain(kind, error);
    }
  }

  /** One after the other: they share the Node. */
  async function look(): Promise<void> {
    isBusy = true;
    for (const kind of TUNNEL_KINDS) await settle(kind);
    isBusy = false;
    if (complaints.size > 0) plan(RETRY_MS);
    else touch();
  }

  function plan(delayMs: number): void {
    clearTimeout(timer);
    if (!signal.aborted) timer = setTimeout(() => void look(), delayMs);
  }

  function touch(): void {
    if (!isBusy && cache.isInSync() && news.isNew()) plan(0);
  }

  signal.addEventListener('abort', () => clearTimeout(timer));
  return { touch };
}
