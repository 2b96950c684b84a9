// ipam release: takes an address back that nobody uses, or everything that reports of ipam check call leaked.
import { OcicatError } from '../../base/errors.ts';
import type { Datastore } from '../../datastore/port.ts';
import { releaseAddress } from '../../ipam/ipam.ts';
import { formatIp, type Ip } from '../../net/ip.ts';
import { dryRunNote, flagOn, flagValue, flagValues, type Handler, type Invocation } from '../cli/command.ts';
import { withStore } from '../store/context.ts';
import { parseAddressArgument } from './read.ts';
import { readAddressUsage } from './usage.ts';

/** Why the address must not be given to somebody else; undefined when nobody uses it. */
async function whyKept(datastore: Datastore, ip: string, signal: AbortSignal) {
  const usage = await readAddressUsage(datastore, signal);
  const users = usage.users.get(ip) ?? [];
  const allocation = usage.allocations.find((one) => one.ip === ip);
  if (users.length > 0) return { allocation, why: `it is in use by ${users.join(', ')}` };
  if (usage.unreadable.length === 0) return { allocation, why: undefined };
  return { allocation, why: `it may be in use by what cannot be read: ${usage.unreadable.join('; ')}` };
}

/** Only as long as it is held as it was when nobody used it. Throws `conflict` when it is in use. */
async function releaseUnused(datastore: Datastore, ip: Ip, { signal }: Invocation): Promise<boolean> {
  const { allocation, why } = await whyKept(datastore, formatIp(ip), signal);
  if (allocation === undefined) return false;
  if (why !== undefined)
    throw new OcicatError(
      'conflict',
      `release address "${formatIp(ip)}": ${why}; whoever gets it next would share it, so delete its user first, or use --force`,
    );
  const { handle, sequenceNumber } = allocation;
  const handleId = handle === '' ? undefined : handle;
  return releaseAddress({ datastore, now: Date.now }, { ip, handleId, sequenceNumber }, signal);
}

export const runIpamRelease: Handler = async (invocation) => {
  const text = flagValue(invocation, 'ip');
  const reports = flagValues(invocation, 'from-report');
  if ((text === undefined) === (reports.length === 0)) {
    throw new OcicatError('invalid', 'release: wanted either --ip or --from-report');
  }
  if (text === undefined) {
    const { releaseFromReports } = await import('./release-reports.ts');
    return releaseFromReports(invocation, reports);
  }
  const ip = parseAddressArgument(text);
  const held = await withStore(invocation, (datastore) =>
    flagOn(invocation, 'force')
      ? releaseAddress({ datastore, now: Date.now }, { ip }, invocation.signal)
      : releaseUnused(datastore, ip, invocation),
  );
  if (!held) throw new OcicatError('not-found', `IP address ${formatIp(ip)} is not assigned`);
  invocation.stdio.write(`Successfully released IP address ${formatIp(ip)}${dryRunNote(invocation)}\n`);
  return 0;
};
