// Reports to the store what Calico's agent reports there: that this host's agent lives, and which of its endpoints are up (Calico
// v3.33, felix/usagerep and felix/statusrep; libcalico-go/lib/backend/model/statusreports.go).
import { computeTimerMs } from '../../base/timer.ts';
import { printTime } from '../../blocks/block.ts';
import { printKey, printWorkloadStatusPrefix } from '../../datastore/keys.ts';
import { type Datastore, type Lease, MAX_TRANSACTION_WRITES, type Write } from '../../datastore/port.ts';
import type { WorkloadEndpoint } from '../../model/endpoint/workload-endpoint.ts';
import { identifyingField } from '../../model/endpoint/workload-endpoint-name.ts';
import type { Log } from '../../sys/log.ts';
import type { ReportSettings } from '../config/felix-settings.ts';

/** When the first report is made. */
const FIRST_MS = 10_000;
const MIN_DELAY_MS = 100;
/** After so many rounds of endpoints what stands in the store is read again. */
const ROUNDS = 180;

export interface ReportedHost {
  readonly nodeName: string;
  readonly datastore: Datastore;
  /** This node's endpoints; undefined while the store has not been read. */
  readonly endpoints: () => readonly WorkloadEndpoint[] | undefined;
  /** The states of its host endpoints, by name. */
  readonly hostEndpoints: () => ReadonlyMap<string, string>;
  /** Names of the links of workloads that packets can pass. */
  readonly runningLinks: () => ReadonlySet<string>;
  readonly log: Pick<Log, 'warn'>;
}

export interface StatusReporter {
  setReports(settings: ReportSettings): void;
  close(): Promise<void>;
}

type Statuses = ReadonlyMap<string, string>;

function printStatus(status: string): string {
  return JSON.stringify({ status });
}

function keyOfHostEndpoint(host: string, name: string): string {
  return printKey({ kind: 'host-endpoint-status', host, name });
}

function keyOfEndpoint(host: string, region: string | undefined, { metadata, spec }: WorkloadEndpoint): string {
  const { namespace = 'default' } = metadata;
  const { orchestrator, endpoint } = spec;
  const workload = `${namespace}/${spec[identifyingField(orchestrator) ?? 'workload'] ?? ''}`;
  return printKey({ kind: 'workload-status', region, host, orchestrator, workload, endpoint });
}

function computeStatuses(
  { nodeName, runningLinks, hostEndpoints }: ReportedHost,
  region: string | undefined,
  endpoints: readonly WorkloadEndpoint[],
): Statuses {
  const running = runningLinks();
  const statusOf = ({ spec }: WorkloadEndpoint) => printStatus(running.has(spec.interfaceName) ? 'up' : 'down');
  const hosts = [...hostEndpoints()].map(
    ([name, status]) => [keyOfHostEndpoint(nodeName, name), printStatus(status)] as const,
  );
  return new Map([...endpoints.map((one) => [keyOfEndpoint(nodeName, region, one), statusOf(one)] as const), ...hosts]);
}

function computeWrites(wanted: Statuses, written: Statuses): readonly Write[] {
  const puts = [...wanted].filter(([key, value]) => written.get(key) !== value);
  const gone = [...written.keys()].filter((key) => !wanted.has(key));
  return [
    ...puts.map(([key, value]): Write => ({ kind: 'put', key, value })),
    ...gone.map((key): Write => ({ kind: 'delete', key })),
  ];
}

async function commitAll(datastore: Datastore, writes: readonly Write[], signal: AbortSignal): Promise<void> {
  for (let at = 0; at < writes.length; at += MAX_TRANSACTION_WRITES)
    await datastore.commit({ conditions: [], writes: writes.slice(at, at + MAX_TRANSACTION_WRITES) }, signal);
}

/** What stands of this host's endpoints. */
async function readStatuses(
  { nodeName, datastore }: ReportedHost,
  region: string | undefined,
  signal: AbortSignal,
): Promise<Statuses> {
  const ofHosts = keyOfHostEndpoint(nodeName, 'x').slice(0, -1);
  const prefixes = [printWorkloadStatusPrefix(region, nodeName), ofHosts];
  const listings = await Promise.all(prefixes.map((prefix) => datastore.list(prefix, {}, signal)));
  return new Map(listings.flatMap(({ kvs }) => kvs.map(({ key, value }) => [key, value] as const)));
}

/** Reports that the agent lives, from 10 seconds after the start on. The first key goes when no more reports come. */
function createHostReport(host: ReportedHost, startedMs: number) {
  let isFirst = true;
  let leased: { readonly lease: Lease; readonly ttlSeconds: number } | undefined;

  async function leaseOf(ttlSeconds: number, signal: AbortSignal): Promise<Lease> {
    if (leased?.ttlSeconds === ttlSeconds) return leased.lease;
    const former = leased;
    leased = { lease: await host.datastore.openLease(ttlSeconds, signal), ttlSeconds };
    if (former !== undefined) await host.datastore.dropLease(former.lease);
    return leased.lease;
  }

  return {
    async report({ region, ttlSeconds }: ReportSettings, signal: AbortSignal): Promise<void> {
      const nowMs = Date.now();
      const status = { time: printTime(nowMs), uptime: (nowMs - startedMs) / 1_000, first_update: isFirst };
      const value = JSON.stringify(status);
      const key = (last: boolean) => printKey({ kind: 'node-status', region, host: host.nodeName, last });
      const lease = await leaseOf(Math.max(1, Math.round(ttlSeconds)), signal);
      const writes: readonly Write[] = [
        { kind: 'put', key: key(false), value, lease },
        { kind: 'put', key: key(true), value },
      ];
      try {
        await commitAll(host.datastore, writes, signal);
        isFirst = false;
      } catch (error) {
        leased = undefined; // it may have run out
        throw error;
      }
    },
    async end(): Promise<void> {
      const { lease } = leased ?? {};
      leased = undefined;
      if (lease !== undefined) await host.datastore.dropLease(lease).catch(() => undefined);
    },
  };
}

/** Reports which endpoints are up, as they change; what others have written, or an earlier agent, goes. */
function createEndpointReport(host: ReportedHost) {
  let written: Statuses | undefined;
  let rounds = 0;
  return {
    /** Without `isWanted` all that has been reported goes. */
    async report({ region }: ReportSettings, isWanted: boolean, signal: AbortSignal): Promise<void> {
      const endpoints = isWanted ? host.endpoints() : [];
      if (endpoints === undefined) return;
      const standing = written !== undefined && rounds++ % ROUNDS !== 0 ? written : undefined;
      const former = new Map([...(written ?? []), ...(standing ?? (await readStatuses(host, region, signal)))]);
      const wanted = isWanted ? computeStatuses(host, region, endpoints) : new Map<string, string>();
      written = undefined; // what a commit that fails has written is not known
      await commitAll(host.datastore, computeWrites(wanted, former), signal);
      written = wanted;
    },
    hasReported: () => written !== undefined && written.size > 0,
  };
}

export function createStatusReporter(host: ReportedHost): StatusReporter {
  const startedMs = Date.now();
  const closing = new AbortController();
  const hostReport = createHostReport(host, startedMs);
  const endpointReport = createEndpointReport(host);
  const timers: ReturnType<typeof setTimeout>[] = [];

  /** One after the other: what the store does not take is tried at the next turn. */
  function every(firstMs: number, periodMs: number, action: string, report: () => Promise<void>): void {
    const at = timers.length;
    const turn = async () => {
      try {
        await report();
      } catch (error) {
        if (!closing.signal.aborted) host.log.warn(action, error);
      }
      if (!closing.signal.aborted && timers[at] === timer) {
        timer = setTimeout(turn, periodMs);
        timers[at] = timer;
      }
    };
    let timer = setTimeout(turn, firstMs);
    timers[at] = timer;
  }

  function stop(): void {
    for (const timer of timers.splice(0)) clearTimeout(timer);
  }

  return {
    setReports(settings) {
      stop();
      const { intervalSeconds, endpoints, endpointDelaySeconds } = settings;
      const firstMs = Math.max(0, startedMs + FIRST_MS - Date.now());
      if (intervalSeconds > 0)
        every(firstMs, computeTimerMs(intervalSeconds), 'report that the agent lives', () =>
          hostReport.report(settings, closing.signal),
        );
      else void hostReport.end();
      const delayMs = Math.max(MIN_DELAY_MS, computeTimerMs(endpointDelaySeconds));
      const reportEndpoints = () => endpointReport.report(settings, endpoints, closing.signal);
      if (endpoints) every(0, delayMs, 'report which endpoints are up', reportEndpoints);
      else if (endpointReport.hasReported())
        reportEndpoints().catch((error: unknown) => host.log.warn('take back which endpoints are up', error));
    },
    async close() {
      stop();
      closing.abort();
      await hostReport.end();
    },
  };
}
