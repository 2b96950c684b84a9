// An app's limits and permissions, read back from the isolators of its manifest.
import { OcicatError } from '../../base/errors.ts';
import { parseValue } from '../../schema/parse.ts';
import { integer, text } from '../../schema/scalars.ts';
import { list, object, type Schema } from '../../schema/schema.ts';
import { parseMemory, parseMilliCpu } from '../cli/quantity.ts';
import { MAX_PIDS } from '../options/app-arguments.ts';
import type { CapabilityRule } from '../options/capabilities.ts';
import type { PodApp } from '../store/pod-manifest.ts';
import type { AppLimits } from './oci-spec.ts';

export interface AppIsolators {
  readonly capabilities: CapabilityRule;
  readonly limits: AppLimits;
  /** Whether a limit was asked for. */
  readonly limited: boolean;
  readonly oomScoreAdj: number;
}

const set = object({ set: list(text()) });
const limit = object({ limit: text() });

/** Throws `invalid` for an isolator that this runner cannot apply: none may be overlooked. */
export function appIsolators(app: PodApp): AppIsolators {
  let capabilities: CapabilityRule = { kind: 'default' };
  let limits: AppLimits = { memoryBytes: undefined, milliCpu: undefined, cpuShares: undefined, pids: undefined };
  let oomScoreAdj = 0;
  for (const { name, value } of app.app.isolators) {
    const read = <T>(schema: Schema<T>): T => parseValue(`isolator "${name}"`, value, schema, 'open');
    if (name === 'os/linux/capabilities-retain-set') capabilities = { kind: 'retain', set: read(set).set };
    else if (name === 'os/linux/capabilities-remove-set') capabilities = { kind: 'remove', set: read(set).set };
    else if (name === 'resource/memory') limits = { ...limits, memoryBytes: parseMemory(read(limit).limit) };
    else if (name === 'resource/cpu') limits = { ...limits, milliCpu: parseMilliCpu(read(limit).limit) };
    else if (name === 'os/linux/cpu-shares') limits = { ...limits, cpuShares: read(integer(2, 262_144)) };
    else if (name === 'os/linux/pids-limit') limits = { ...limits, pids: read(integer(0, MAX_PIDS)) };
    else if (name === 'os/linux/oom-score-adj') oomScoreAdj = read(integer(-1000, 1000));
    else throw new OcicatError('unsupported', `isolator "${name}" of app "${app.name}": unknown`);
  }
  const limited = Object.values(limits).some((limit) => limit !== undefined);
  return { capabilities, limits, limited, oomScoreAdj };
}
