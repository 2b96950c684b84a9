// The settings that an agent writes into a store that has none, so that there is something to edit. They say nothing.
import { sameContent } from '../../base/equal.ts';

export interface NamedSpec {
  readonly kind: string;
  readonly name: string;
  readonly spec: unknown;
}

/** As Calico's own agent writes them. */
export const DEFAULT_SETTINGS: readonly NamedSpec[] = [
  { kind: 'FelixConfiguration', name: 'default', spec: { logSeverityScreen: 'Info', reportingInterval: '0s' } },
  { kind: 'BGPConfiguration', name: 'default', spec: {} },
];

/** Whether it stands as an agent wrote it. */
export function isUntouchedSetting({ kind, name, spec }: NamedSpec): boolean {
  return DEFAULT_SETTINGS.some((one) => one.kind === kind && one.name === name && sameContent(one.spec, spec));
}
