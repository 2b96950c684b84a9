// The CNI plugins' shim, built for a test.
import { join } from 'node:path';
import { NEWEST_VERSION, SUPPORTED_VERSIONS } from '../../../src/cni/spec/version.ts';

const source = join(import.meta.dir, '../../../native/cni-shim.c');

/** With another socket compiled in, if one is given: nothing at run time can change it. */
export function buildShim(target: string, socketPath?: string): void {
  const socket = socketPath === undefined ? [] : [`-DSOCKET_PATH="${socketPath}"`];
  const versions = JSON.stringify(JSON.stringify(SUPPORTED_VERSIONS));
  const defines = [`-DCNI_VERSIONS=${versions}`, `-DNEWEST_VERSION="${NEWEST_VERSION}"`, ...socket];
  const built = Bun.spawnSync(['musl-gcc', '-Os', '-static', ...defines, '-o', target, source]);
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
}
