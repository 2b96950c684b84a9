// ipam release: takes an address back, whoever holds it, or everything that reports of ipam check call leaked.
import { OcicatError } from '../base/errors.ts';
import { releaseAddress } from '../ipam/ipam.ts';
import { formatIp } from '../net/ip.ts';
import { dryRunNote, flagValue, flagValues, type Handler } from './command.ts';
import { withStore } from './context.ts';
import { parseAddressWord } from './ipam-read.ts';

export const runIpamRelease: Handler = async (invocation) => {
  const text = flagValue(invocation, 'ip');
  const reports = flagValues(invocation, 'from-report');
  if ((text === undefined) === (reports.length === 0)) {
    throw new OcicatError('invalid', 'release: wanted either --ip or --from-report');
  }
  if (text === undefined) {
    const { releaseFromReports } = await import('./ipam-release-reports.ts');
    return releaseFromReports(invocation, reports);
  }
  const ip = parseAddressWord(text);
  const held = await withStore(invocation, (datastore) =>
    releaseAddress({ datastore, now: Date.now }, { ip }, invocation.signal),
  );
  if (!held) throw new OcicatError('not-found', `IP address ${formatIp(ip)} is not assigned`);
  invocation.stdio.write(`Successfully released IP address ${formatIp(ip)}${dryRunNote(invocation)}\n`);
  return 0;
};
