// What the agent takes from FelixConfiguration: some fields, on top of what it would do without (Calico v3.33,
// felix/config/config_params.go).
import type { FirewallConfig } from '../../firewall/config.ts';
import type { NatConfig } from '../../firewall/nat/config.ts';
import type { FelixConfigurationSpec } from '../../model/felix/felix-configuration.ts';
import type { ACTING_FELIX_FIELDS } from '../../model/idle/marks.ts';
import { parseIp } from '../../net/ip.ts';
import { tryParsePortRange } from '../../net/port.ts';
import type { RateLimit, RateUnit } from '../../nftables/nft.ts';
import type { LogLevel } from '../../sys/log.ts';

export type FelixSettings = Pick<FelixConfigurationSpec, (typeof ACTING_FELIX_FIELDS)[number]>;

const RATE = /^([1-9]\d*)\/(second|minute|hour|day)$/;

/** A burst of 0 is the packet that the rate itself lets through. */
function mergeLogLimit(limit: RateLimit, settings: FelixSettings): RateLimit {
  const [, rate, unit] = RATE.exec(settings.logActionRateLimit ?? '') ?? [];
  return {
    ...limit,
    ...(rate === undefined ? {} : { rate: Number(rate), unit: unit as RateUnit }),
    burst: Math.max(1, settings.logActionRateLimitBurst ?? limit.burst),
  };
}

/** Ports of 0 alone are none. */
function computeNat(settings: FelixSettings): NatConfig {
  const address = settings.natOutgoingAddress;
  const ports = settings.natPortRange === undefined ? undefined : tryParsePortRange(settings.natPortRange);
  const interfaceFilter = settings.iptablesNATOutgoingInterfaceFilter;
  return {
    ...(address === undefined ? {} : { address: parseIp(address) }),
    ...(ports === undefined || ports.max === 0 ? {} : { ports }),
    ...(interfaceFilter === undefined ? {} : { interfaceFilter }),
    floatingAddresses: computeFloatingAddresses(settings),
  };
}

/** The configuration of the rules with the settings that override its own. */
export function computeFirewallConfig(config: FirewallConfig, settings: FelixSettings): FirewallConfig {
  const toHost = settings.defaultEndpointToHostAction?.toLowerCase();
  const deny = settings.nftablesFilterDenyAction?.toLowerCase();
  return {
    ...config,
    ...(toHost === 'drop' || toHost === 'accept' || toHost === 'return' ? { endpointToHostAction: toHost } : {}),
    ...(deny === 'drop' || deny === 'reject' ? { denyAction: deny } : {}),
    ...(settings.logPrefix === undefined ? {} : { logPrefix: settings.logPrefix }),
    logLimit: mergeLogLimit(config.logLimit, settings),
    ...(settings.vxlanPort === undefined ? {} : { vxlanPort: settings.vxlanPort }),
    ...(settings.allowVXLANPacketsFromWorkloads === undefined
      ? {}
      : { allowVxlanFromWorkloads: settings.allowVXLANPacketsFromWorkloads }),
    ...(settings.allowIPIPPacketsFromWorkloads === undefined
      ? {}
      : { allowIpipFromWorkloads: settings.allowIPIPPacketsFromWorkloads }),
    nat: computeNat(settings),
  };
}

const LOG_LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  warning: 'warn',
  error: 'error',
  fatal: 'fatal',
};

export function computeLogLevel({ logSeverityScreen }: FelixSettings): LogLevel {
  return LOG_LEVELS[logSeverityScreen?.toLowerCase() ?? 'info'] ?? 'info';
}

/** Whether the kernel is to forward packets. */
export function computeForwards({ ipForwarding }: FelixSettings): boolean {
  return ipForwarding !== 'Disabled';
}

/** Whether endpoints are reached under their floating addresses. */
export function computeFloatingAddresses({ floatingIPs }: FelixSettings): boolean {
  return floatingIPs === 'Enabled';
}

/** Whether hosts see the addresses of workloads, as other workloads do. */
export function computeHostsAreDirect({ natOutgoingExclusions }: FelixSettings): boolean {
  return natOutgoingExclusions === 'IPPoolsAndHostIPs';
}
