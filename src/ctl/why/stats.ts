// policy stats: what the rules of policies and profiles on this host have counted.
import { OcicatError } from '../../base/errors.ts';
import { escapeLine } from '../../base/escape.ts';
import { printJson } from '../../base/json.ts';
import type { Paint } from '../../cli/paint.ts';
import { formatTable } from '../../cli/table.ts';
import { readCounters } from '../../kernel/nftables/read-table.ts';
import { paintLine } from '../../why/colours.ts';
import { computeStats, type StatsRow } from '../../why/stats/rows.ts';
import { chooseStats } from '../../why/stats/select.ts';
import { describeStats, tableOfStats } from '../../why/stats/text.ts';
import { flagValue, type Handler, type Stdio } from '../cli/command.ts';
import { printYaml } from '../manifest/yaml.ts';
import { CALICO_COLUMNS } from '../output/get-table.ts';
import { withStore } from '../store/context.ts';
import { readOutput } from './output.ts';
import { fetchCluster } from './read-cluster.ts';

const OUTPUTS = ['ps', 'wide', 'json', 'yaml'] as const;

/** The cells are escaped. */
function formatRows(rows: readonly StatsRow[], wide: boolean, paint: Paint): string {
  const lines = formatTable(CALICO_COLUMNS, tableOfStats(rows, wide)).split('\n');
  return lines.map((line) => paintLine(line, paint)).join('\n');
}

function print(rows: readonly StatsRow[], output: (typeof OUTPUTS)[number], stdio: Stdio): void {
  if (output === 'json') stdio.write(`${printJson(describeStats(rows), 2)}\n`);
  else if (output === 'yaml') stdio.write(printYaml(describeStats(rows)));
  else stdio.writePainted((paint) => formatRows(rows, output === 'wide', paint));
}

export const runStats: Handler = async (invocation) => {
  const output = readOutput(invocation, OUTPUTS);
  const counted = readCounters();
  if (typeof counted === 'string') throw new OcicatError('unavailable', `read what this host has counted: ${counted}`);
  const cluster = await withStore(invocation, (datastore) => fetchCluster(datastore, invocation.signal));
  const choice = { names: invocation.operands, namespace: flagValue(invocation, 'namespace') };
  const { rows, missing } = chooseStats(computeStats(cluster, counted), choice, cluster);
  for (const line of missing) invocation.stdio.writeError(`${escapeLine(line)}\n`);
  print(rows, output, invocation.stdio);
  return 0;
};
