// The CNI plugins' shim, built for a test.
import { join } from 'node:path';
import { printVersions } from '../../../src/cni/spec/version.ts';

const source = join(import.meta.dir, '../../../native/cni-shim.c');

/** With another socket compiled in, if one is given: nothing at run time can change it. */
export function buildShim(target: string, socketPath?: string): void {
  const socket = socketPath === undefined ? [] : [`-DSOCKET_PATH="${socketPath}"`];
  const defines = [`-DCNI_VERSIONS=${JSON.stringify(printVersions())}`, ...socket];
  const built = Bun.spawnSync(['musl-gcc', '-Os', '-static', ...defines, '-o', target, source]);
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
}
