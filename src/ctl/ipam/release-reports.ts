// ipam release --from-report: takes back what every report calls leaked, nobody has touched since and nobody uses now.
import { readFile } from 'node:fs/promises';
import { isOcicatError, OcicatError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import { printKey } from '../../datastore/keys.ts';
import type { Datastore, Revision } from '../../datastore/port.ts';
import { getResource } from '../../datastore/resource/resources.ts';
import { releaseAddress } from '../../ipam/ipam.ts';
import { formatIp, type Ip, tryParseIp } from '../../net/ip.ts';
import { parseDocument } from '../../schema/parse.ts';
import { boolean, parsedText, text } from '../../schema/scalars.ts';
import { filled, type Infer, list, map, object, optional, type Scalar } from '../../schema/schema.ts';
import { dryRunNote, flagOn, type Invocation } from '../cli/command.ts';
import { withStore } from '../store/context.ts';
import { type AddressUsage, readAddressUsage } from './usage.ts';

interface Leak {
  readonly ip: Ip;
  readonly handle: string;
  readonly sequenceNumber: bigint;
}

interface Report {
  readonly path: string;
  readonly version: string;
  readonly clusterGUID: string;
  readonly revision: string;
  readonly leaks: ReadonlyMap<string, Leak>;
  readonly handles: ReadonlySet<string>;
}

/** Beyond 2^53, where it is no number of JavaScript's. */
const sequenceNumber: Scalar<bigint> = {
  shape: 'scalar',
  wanted: 'a whole number',
  json: { type: 'integer' },
  read: (value) => (typeof value === 'bigint' || Number.isSafeInteger(value) ? BigInt(value as bigint) : undefined),
};

/** As `ipam check -o` writes it, and Calico's (Calico v3.33, calicoctl/calicoctl/commands/ipam/check.go). */
const reportFile = object({
  version: filled(text(), '', ''),
  clusterGUID: filled(text(), '', ''),
  clusterInformationRevision: filled(text(), '', ''),
  allocations: map(
    text(),
    list(
      object({
        ip: parsedText('an IPv4 or IPv6 address', tryParseIp),
        handle: filled(text(), '', ''),
        inUse: optional(boolean),
        sequenceNumber: optional(sequenceNumber),
      }),
    ),
  ),
  leakedHandles: optional(list(text())),
});

type Allocation = Infer<typeof reportFile>['allocations'][string][number];

function leakOf({ ip, handle, inUse, sequenceNumber }: Allocation): readonly Leak[] {
  return inUse === false && sequenceNumber !== undefined ? [{ ip, handle, sequenceNumber }] : [];
}

function keyOf({ ip, handle, sequenceNumber }: Leak): string {
  return `${formatIp(ip)} ${handle} ${sequenceNumber}`;
}

/** Throws `invalid` for a file that is no report. */
async function readReport(path: string): Promise<Report> {
  const json = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new OcicatError('invalid', `open ${path}: no report`, { cause });
  });
  const file = parseDocument(`open ${path}: no report`, json, reportFile, 'open');
  const leaks = Object.values(file.allocations).flat().flatMap(leakOf);
  return {
    path,
    version: file.version,
    clusterGUID: file.clusterGUID,
    revision: file.clusterInformationRevision,
    leaks: new Map(leaks.map((leak) => [keyOf(leak), leak])),
    handles: new Set(file.leakedHandles),
  };
}

/** Reports must be of this cluster and this program; with --force the store need not be locked or unchanged since. */
async function checkReports(invocation: Invocation, datastore: Datastore, reports: readonly Report[]): Promise<void> {
  const cluster = await getResource(datastore, { kind: 'ClusterInformation', name: 'default' }, invocation.signal);
  for (const { path, clusterGUID, version } of reports) {
    if (clusterGUID !== cluster.spec.clusterGUID)
      throw new OcicatError('invalid', `report ${path}: it is of another cluster`);
    if (version !== `v${VERSION}`) throw new OcicatError('invalid', `report ${path}: it is of version ${version}`);
  }
  if (flagOn(invocation, 'force')) return;
  if (cluster.spec.datastoreReady !== false) {
    throw new OcicatError(
      'not-ready',
      'datastore is not locked. Run `calicoctl datastore migrate lock` first, or use --force',
    );
  }
  if (!reports.some((report) => report.revision === cluster.metadata.resourceVersion)) {
    throw new OcicatError('invalid', 'no report is of the store as it is locked now: check again, or use --force');
  }
}

/** What every report names. */
function inAll<T>(reports: readonly Report[], of: (report: Report) => ReadonlyMap<string, T>): readonly T[] {
  const [first, ...others] = reports;
  if (first === undefined) return [];
  return [...of(first)].filter(([key]) => others.every((report) => of(report).has(key))).map(([, value]) => value);
}

/** False when somebody else holds the address by now, or nobody. */
async function releaseLeak(datastore: Datastore, leak: Leak, signal: AbortSignal): Promise<boolean> {
  const preconditions = { handleId: leak.handle === '' ? undefined : leak.handle, sequenceNumber: leak.sequenceNumber };
  try {
    return await releaseAddress({ datastore, now: Date.now }, { ip: leak.ip, ...preconditions }, signal);
  } catch (error) {
    if (isOcicatError(error, 'conflict')) return false;
    throw error;
  }
}

/** Handles without addresses, with the revisions that they had then. */
function idleHandles({ records, allocations }: AddressUsage): ReadonlyMap<string, Revision> {
  const holding = new Set(allocations.map(({ handle }) => handle));
  return new Map(
    [...records.handles].flatMap(([handleId, { modRevision }]) =>
      holding.has(handleId) ? [] : [[handleId, modRevision] as const],
    ),
  );
}

/** False when somebody has counted in it since `modRevision`, or it is gone. */
async function removeHandle(datastore: Datastore, handleId: string, modRevision: Revision, signal: AbortSignal) {
  const key = printKey({ kind: 'handle', handleId });
  const result = await datastore.commit(
    { conditions: [{ key, modRevision }], writes: [{ kind: 'delete', key }] },
    signal,
  );
  return result.kind === 'committed';
}

/** What the store says now; throws `conflict` while anything that may use addresses cannot be read. */
async function readKnownUsage(datastore: Datastore, signal: AbortSignal): Promise<AddressUsage> {
  const usage = await readAddressUsage(datastore, signal);
  if (usage.unreadable.length === 0) return usage;
  const list = usage.unreadable.join('; ');
  throw new OcicatError(
    'conflict',
    `release: nobody knows which addresses this uses, mend or delete it first: ${list}`,
  );
}

async function releaseLeaks(datastore: Datastore, reports: readonly Report[], signal: AbortSignal): Promise<number> {
  const { users } = await readKnownUsage(datastore, signal);
  let count = 0;
  for (const leak of inAll(reports, (report) => report.leaks))
    if (!users.has(formatIp(leak.ip)) && (await releaseLeak(datastore, leak, signal))) count++;
  return count;
}

async function removeLeakedHandles(datastore: Datastore, reports: readonly Report[], signal: AbortSignal) {
  const idle = idleHandles(await readKnownUsage(datastore, signal));
  let count = 0;
  for (const handleId of inAll(reports, ({ handles }) => new Map([...handles].map((one) => [one, one])))) {
    const modRevision = idle.get(handleId);
    if (modRevision !== undefined && (await removeHandle(datastore, handleId, modRevision, signal))) count++;
  }
  return count;
}

/** Status 0 also when some of it is kept, because it is in use again or has changed. */
export async function releaseFromReports(invocation: Invocation, paths: readonly string[]): Promise<number> {
  const reports = await Promise.all(paths.map(readReport));
  return withStore(invocation, async (datastore) => {
    const { signal, stdio } = invocation;
    const note = dryRunNote(invocation);
    await checkReports(invocation, datastore, reports);
    stdio.write(`Released ${await releaseLeaks(datastore, reports, signal)} IPs successfully${note}\n`);
    stdio.write(`Released ${await removeLeakedHandles(datastore, reports, signal)} handles${note}\n`);
    if (!flagOn(invocation, 'force')) stdio.write('You may now unlock the data store.\n');
    return 0;
  });
}
