// The plugins' shim, built for a test.
import { join } from 'node:path';
import { NEWEST_VERSION, SUPPORTED_VERSIONS } from '../../../src/cni/spec/version.ts';

const source = join(import.meta.dir, '../../../native/cni-shim.c');

/** With the paths of a folder compiled in, if one is given: nothing at run time can change them. */
export function buildShim(target: string, folder?: string): void {
  const paths = {
    SOCKET_PATH: `${folder}/cni.sock`,
    NETAVARK_SOCKET_PATH: `${folder}/netavark.sock`,
    TEARDOWN_FOLDER: `${folder}/teardowns`,
  };
  const own = folder === undefined ? [] : Object.entries(paths).map(([name, path]) => `-D${name}="${path}"`);
  const versions = JSON.stringify(JSON.stringify(SUPPORTED_VERSIONS));
  const defines = [`-DCNI_VERSIONS=${versions}`, `-DNEWEST_VERSION="${NEWEST_VERSION}"`, ...own];
  const built = Bun.spawnSync(['musl-gcc', '-Os', '-static', ...defines, '-o', target, source]);
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
}
