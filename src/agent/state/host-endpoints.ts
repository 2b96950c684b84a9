// The host endpoints of this node as the rules have them: the host's interfaces are followed, and what each endpoint protects
// is logged as it changes.
import { sameContent } from '../../base/equal.ts';
import type { AssignedHostEndpoint, InterfaceAddresses } from '../../firewall/host/interfaces.ts';
import { type HostInterface, observeHostInterfaces } from '../../kernel/link/host-interfaces.ts';
import type { Log } from '../../sys/log.ts';

/** As Felix reports it: `error` for one that is about no interface of this host. */
type EndpointStatus = 'up' | 'down' | 'error';

export interface HostEndpoints {
  /** Links or addresses of the host may have changed. Throws as the data plane does. */
  touch(): void;
  /** The rules may have changed. */
  review(): void;
  /** By name. */
  statuses(): ReadonlyMap<string, EndpointStatus>;
}

export interface HostEndpointTargets {
  readonly dataplane: {
    setInterfaces(interfaces: readonly InterfaceAddresses[]): void;
    hostEndpoints(): readonly AssignedHostEndpoint[];
  };
  readonly log: Pick<Log, 'info' | 'warn'>;
}

/** Endpoints of all interfaces are up whatever becomes of single ones (Calico v3.33, felix/dataplane/linux/endpoint_mgr.go). */
function computeHostStatus(
  { interfaces }: AssignedHostEndpoint,
  running: ReadonlyMap<string, boolean>,
): EndpointStatus {
  const present = interfaces.filter((name) => name === '*' || running.has(name));
  if (present.length === 0) return 'error';
  return present.every((name) => name === '*' || running.get(name) === true) ? 'up' : 'down';
}

function describe({ name, interfaces, closed, ignoresUntracked }: AssignedHostEndpoint): readonly string[] {
  const what = interfaces.map((one) => (one === '*' ? 'all other interfaces' : one)).join(', ');
  return [
    interfaces.length === 0
      ? `HostEndpoint(${name}) protects nothing: no interface of this host is meant, or others come before it`
      : `HostEndpoint(${name}) protects ${what}`,
    ...(closed
      ? [`HostEndpoint(${name}) is closed: not all that decides about it can be read, or the kernel refuses it`]
      : []),
    ...(ignoresUntracked ? [`HostEndpoint(${name}): doNotTrack has no effect where interfaceName is "*"`] : []),
  ];
}

export function createHostEndpoints({ dataplane, log }: HostEndpointTargets): HostEndpoints {
  let interfaces: readonly HostInterface[] = [];
  let described = new Map<string, readonly string[]>();
  let statuses: ReadonlyMap<string, EndpointStatus> = new Map();

  function tell(endpoints: readonly AssignedHostEndpoint[]): void {
    const lines = new Map(endpoints.map((one) => [one.name, describe(one)]));
    for (const [name, [first = '', ...warnings]] of lines) {
      if (sameContent(described.get(name), lines.get(name))) continue;
      log.info(first);
      for (const warning of warnings) log.warn(warning);
    }
    for (const name of described.keys()) if (!lines.has(name)) log.info(`HostEndpoint(${name}) is gone`);
    described = lines;
  }

  function review(): void {
    const endpoints = dataplane.hostEndpoints();
    if (endpoints.length === 0 && described.size === 0) return;
    tell(endpoints);
    const running = new Map(interfaces.map((one) => [one.name, one.running]));
    statuses = new Map(endpoints.map((one) => [one.name, computeHostStatus(one, running)]));
  }

  function look(): boolean {
    const now = observeHostInterfaces();
    if (sameContent(now, interfaces)) return false;
    interfaces = now;
    dataplane.setInterfaces(now);
    return true;
  }

  look();
  return {
    touch() {
      if (look()) review();
    },
    review,
    statuses: () => statuses,
  };
}
