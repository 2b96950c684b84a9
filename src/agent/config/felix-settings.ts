// What the agent takes from FelixConfiguration: some fields, on top of what it would do without (Calico v3.33,
// felix/config/config_params.go).
import { tryParseDurationNs } from '../../base/duration.ts';
import type { FirewallConfig } from '../../firewall/config.ts';
import type { EncryptionConfig } from '../../firewall/encryption/chains.ts';
import type { NatConfig } from '../../firewall/nat/config.ts';
import type { FelixConfigurationSpec } from '../../model/felix/felix-configuration.ts';
import type { ACTING_FELIX_FIELDS } from '../../model/idle/felix-marks.ts';
import { type Family, parseIp } from '../../net/ip.ts';
import { tryParsePortRange } from '../../net/port.ts';
import { PROTOCOL_UDP } from '../../net/protocol.ts';
import type { RateLimit, RateUnit } from '../../nftables/nft.ts';
import { computeFailsafes, type FailsafePort, type Failsafes } from '../../policy/types/failsafe.ts';
import { WIREGUARD_MARK } from '../../routing/wireguard/calculation.ts';
import { parseWireguardSettings } from '../../routing/wireguard/parse.ts';
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
    floatingAddresses: computeAllowed(settings).floatingAddresses,
  };
}

function encryptingDevice(settings: FelixSettings, family: Family): EncryptionConfig[Family] {
  const wireguard = parseWireguardSettings(settings, family);
  if (wireguard === undefined) return undefined;
  const { interfaceName, listenPort, encryptsHosts } = wireguard;
  return { interfaceName, listenPort, incomingMark: encryptsHosts ? WIREGUARD_MARK : undefined };
}

/** What is encrypted passes the policies of hosts, as what is inside of it has been judged. */
function withEncrypted(failsafes: Failsafes, encryption: EncryptionConfig): Failsafes {
  const ports = ([4, 6] as const).flatMap((family): readonly FailsafePort[] => {
    const { listenPort } = encryption[family] ?? {};
    return listenPort === undefined ? [] : [{ protocol: PROTOCOL_UDP, port: listenPort, net: undefined }];
  });
  return { ingress: [...failsafes.ingress, ...ports], egress: [...failsafes.egress, ...ports] };
}

/** The configuration of the rules with the settings that override its own. */
export function computeFirewallConfig(config: FirewallConfig, settings: FelixSettings): FirewallConfig {
  const toHost = settings.defaultEndpointToHostAction?.toLowerCase();
  const deny = settings.nftablesFilterDenyAction?.toLowerCase();
  const encryption = { 4: encryptingDevice(settings, 4), 6: encryptingDevice(settings, 6) };
  return {
    ...config,
    ...(toHost === 'drop' || toHost === 'accept' || toHost === 'return' ? { endpointToHostAction: toHost } : {}),
    ...(deny === 'drop' || deny === 'reject' ? { denyAction: deny } : {}),
    ...(settings.logPrefix === undefined ? {} : { logPrefix: settings.logPrefix }),
    logLimit: mergeLogLimit(config.logLimit, settings),
    failsafes: withEncrypted(computeFailsafes(settings, config.failsafes), encryption),
    encryption,
    ...(settings.vxlanPort === undefined ? {} : { vxlanPort: settings.vxlanPort }),
    ...(settings.allowVXLANPacketsFromWorkloads === undefined
      ? {}
      : { allowVxlanFromWorkloads: settings.allowVXLANPacketsFromWorkloads }),
    ...(settings.allowIPIPPacketsFromWorkloads === undefined
      ? {}
      : { allowIpipFromWorkloads: settings.allowIPIPPacketsFromWorkloads }),
    dropInvalid: settings.disableConntrackInvalidCheck !== true,
    sourceSpoofing: computeAllowed(settings).sourceSpoofing,
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

/** Whether hosts see the addresses of workloads, as other workloads do. */
export function computeHostsAreDirect({ natOutgoingExclusions }: FelixSettings): boolean {
  return natOutgoingExclusions === 'IPPoolsAndHostIPs';
}

/** What endpoints may have that ask for it: addresses that lead to them, and addresses to send from. */
export function computeAllowed({ floatingIPs, workloadSourceSpoofing }: FelixSettings) {
  return {
    floatingAddresses: floatingIPs === 'Enabled',
    sourceSpoofing: workloadSourceSpoofing?.toLowerCase() === 'any',
  };
}

function secondsOf(text: string | undefined, usual: number): number {
  const ns = text === undefined ? undefined : tryParseDurationNs(text);
  return ns === undefined ? usual : Number(ns) / 1e9;
}

/** How often what the kernel holds is compared with what is wanted though it has told of no change; 0: never. */
export interface RefreshTimes {
  readonly rulesSeconds: number;
  readonly routesSeconds: number;
}

export function computeRefreshTimes({ nftablesRefreshInterval, routeRefreshInterval }: FelixSettings): RefreshTimes {
  return {
    rulesSeconds: secondsOf(nftablesRefreshInterval, 180),
    routesSeconds: secondsOf(routeRefreshInterval, 90),
  };
}

/** What is reported to the store of this host and its endpoints. */
export interface ReportSettings {
  /** 0: nothing of the host, as in clusters that calico/node sets up. */
  readonly intervalSeconds: number;
  readonly ttlSeconds: number;
  readonly endpoints: boolean;
  readonly endpointDelaySeconds: number;
  readonly region: string | undefined;
}

export function computeReportSettings(settings: FelixSettings): ReportSettings {
  return {
    intervalSeconds: secondsOf(settings.reportingInterval, 0),
    ttlSeconds: secondsOf(settings.reportingTTL, 90),
    endpoints: settings.endpointReportingEnabled === true,
    endpointDelaySeconds: secondsOf(settings.endpointReportingDelay, 1),
    region: settings.openstackRegion,
  };
}
