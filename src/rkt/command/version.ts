// `rkt version`
import { VERSION } from '../../base/version.ts';
import type { Handler } from './command.ts';

/** Version of the pod manifest's format. Source: rkt v1.30.0, rkt/version.go. */
const APPC_VERSION = '0.8.11';

const architectures: Readonly<Record<string, string>> = { x64: 'amd64' };

/** Five lines, of the same shape as rkt's own; the third names the runtime that takes the place of Go. */
export const printVersion: Handler = async (context) => {
  const architecture = architectures[process.arch] ?? process.arch;
  context.stdio.stdout(
    `rkt Version: ${VERSION}\nappc Version: ${APPC_VERSION}\nBun Version: ${Bun.version}\nOS/Arch: linux/${architecture}\nFeatures: -TPM -SDJOURNAL\n`,
  );
  return 0;
};
