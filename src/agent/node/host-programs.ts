// What the agent needs on its host beside itself: programs that are there, and no daemons that are taken for its own.
import type { DatastoreConfig } from '../../datastore/open/config.ts';
import type { Log } from '../../sys/log.ts';
import { describeOtherBirds, describeOtherEtcds } from '../../sys/other-daemons.ts';
import { describeMissing, isInstalled, type ProgramName, requirePrograms } from '../../sys/programs.ts';
import type { AgentSettings } from '../config/settings.ts';

type Backend = Pick<AgentSettings, 'backend'>;

const hasPrivateStore = ({ servers }: DatastoreConfig) => servers.kind === 'private';

function namesFor({ backend }: Backend, config: DatastoreConfig): readonly ProgramName[] {
  return [
    ...(backend === 'bird' ? (['bird'] as const) : []),
    ...(hasPrivateStore(config) ? (['etcd', 'setpriv'] as const) : []),
  ];
}

/** Before a start: throws `not-found` with every program that is missing. */
export function requireAgentPrograms(settings: Backend, config: DatastoreConfig): void {
  requirePrograms('start', namesFor(settings, config));
}

/** At the start. An agent without BIRD still enforces policy; without a store it cannot start: throws `not-found`. */
export function reportHostPrograms(settings: Backend, config: DatastoreConfig, log: Log): void {
  if (hasPrivateStore(config)) requirePrograms('start the private etcd', ['etcd', 'setpriv']);
  if (settings.backend === 'bird' && !isInstalled('bird'))
    log.error(`no routes between hosts, and none to other routers: ${describeMissing('bird')}`);
  const others = [
    ...(settings.backend === 'bird' ? describeOtherBirds() : []),
    ...(hasPrivateStore(config) ? describeOtherEtcds() : []),
  ];
  for (const line of others) log.warn(line);
}
