// Those who act on the settings in FelixConfiguration. Each gets its own part of them, at the start and whenever that
// part is another one: a new setting is a line here, and nothing else begins anew because of it.
import { sameContent } from '../../base/equal.ts';
import type { FirewallConfig } from '../../firewall/config.ts';
import type { LeveledLog } from '../../sys/log.ts';
import {
  computeAllowed,
  computeFirewallConfig,
  computeForwards,
  computeLogLevel,
  computeRefreshTimes,
  computeReportSettings,
  type FelixSettings,
  type RefreshTimes,
  type ReportSettings,
} from '../config/felix-settings.ts';
import { computeMtuSettings } from '../config/route-settings.ts';
import type { Forwarding } from '../node/forwarding.ts';
import type { HostMtu } from '../node/host-mtu.ts';
import type { Dataplane } from './dataplane.ts';
import type { Workloads } from './workloads.ts';

export interface SettingsConsumer {
  /** Takes the settings as they are now. Throws as the consumer does. */
  follow(settings: FelixSettings): void;
}

export interface SettingsTargets {
  /** The rules of this host where no setting says otherwise. */
  readonly base: FirewallConfig;
  readonly dataplane: Pick<Dataplane, 'setConfig'>;
  readonly workloads: Pick<Workloads, 'setAllowed'>;
  readonly hostMtu: Pick<HostMtu, 'setUplinkPattern' | 'setTunnels'>;
  readonly refresher: { setTimes(times: RefreshTimes): void };
  readonly reporter: { setReports(settings: ReportSettings): void };
  readonly forwarding: Pick<Forwarding, 'setEnabled'>;
  readonly log: Pick<LeveledLog, 'setLevel'>;
}

/** `act` is called with what `select` makes of the settings when it differs from the last time. */
function consume<T>(select: (settings: FelixSettings) => T, act: (part: T) => void): SettingsConsumer {
  let last: { readonly part: T } | undefined;
  return {
    follow(settings) {
      const part = select(settings);
      if (last !== undefined && sameContent(last.part, part)) return;
      last = { part };
      act(part);
    },
  };
}

export function createSettingsConsumers({
  base,
  dataplane,
  workloads,
  hostMtu,
  refresher,
  reporter,
  forwarding,
  log,
}: SettingsTargets): readonly SettingsConsumer[] {
  return [
    consume(computeLogLevel, log.setLevel),
    consume(computeForwards, forwarding.setEnabled),
    consume((settings) => computeFirewallConfig(base, settings), dataplane.setConfig),
    consume(computeAllowed, workloads.setAllowed),
    consume(({ mtuIfacePattern }) => mtuIfacePattern, hostMtu.setUplinkPattern),
    consume(computeMtuSettings, hostMtu.setTunnels),
    consume(computeRefreshTimes, refresher.setTimes),
    consume(computeReportSettings, reporter.setReports),
  ];
}
