// The flags of every command: how much is logged beside the outcome, and --context, which cannot mean anything here.
import { OcicatError } from '../../base/errors.ts';
import { flagValue, flagValues, type Invocation } from './command.ts';
import { LOG_LEVELS } from './flags.ts';

/** 0: the outcome alone. 1: the requests to the store too. 2: what they carry too. */
export type Verbosity = 0 | 1 | 2;

/** The louder of the two flags. Throws `invalid` for a level that there is not. */
export function parseVerbosity(invocation: Invocation): Verbosity {
  const level = flagValue(invocation, 'log-level') ?? 'panic';
  if (!LOG_LEVELS.some((known) => known === level)) {
    throw new OcicatError('invalid', `unknown log level: ${level}, expected one of: ${LOG_LEVELS.join(', ')}`);
  }
  const times = flagValues(invocation, 'verbose').filter((value) => value === 'true').length;
  if (level === 'debug' || times > 1) return 2;
  return level === 'info' || times === 1 ? 1 : 0;
}

/** Refuses wrong values before anything is done. Throws `invalid`, and `unsupported` for --context. */
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
