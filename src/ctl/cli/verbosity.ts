// The flags of every command: how much is told beside the outcome, and --context, which cannot mean anything here.
import { OcicatError } from '../../base/errors.ts';
import { flagValue, flagValues, type Invocation } from './command.ts';
import { LOG_LEVELS } from './flags.ts';

/** 0: the outcome alone. 1: the requests to the store too. 2: what they carry too. */
export type Verbosity = 0 | 1 | 2;

/** The louder of the two flags. Throws `invalid` for a level that there is not. */
export function parseVerbosity(invocation: Invocation): Verbosity {
  const word = flagValue(invocation, 'log-level') ?? 'panic';
  if (!LOG_LEVELS.some((level) => level === word)) {
    throw new OcicatError('invalid', `unknown log level: ${word}, expected one of: ${LOG_LEVELS.join(', ')}`);
  }
  const times = flagValues(invocation, 'verbose').filter((value) => value === 'true').length;
  if (word === 'debug' || times > 1) return 2;
  return word === 'info' || times === 1 ? 1 : 0;
}

/** What is wrong is said before anything is done. Throws `invalid`, and `unsupported` for --context. */
export function checkGlobalFlags(invocation: Invocation): void {
  parseVerbosity(invocation);
  const context = flagValue(invocation, 'context');
  if (context === undefined) return;
  const instead = 'choose it with --config or ETCD_ENDPOINTS';
  throw new OcicatError(
    'unsupported',
    `--context "${context}": the store is etcd, not a Kubernetes cluster; ${instead}`,
  );
}
