// What the agent takes from FelixConfiguration: some fields, on top of what it would do without (Calico v3.33,
// felix/config/config_params.go).
import type { FirewallConfig } from '../../firewall/config.ts';
import type { FelixConfigurationSpec } from '../../model/felix/felix-configuration.ts';
import type { ACTING_FELIX_FIELDS } from '../../model/idle/marks.ts';
import type { RateLimit, RateUnit } from '../../nftables/nft.ts';

export type FelixSettings = Pick<FelixConfigurationSpec, (typeof ACTING_FELIX_FIELDS)[number]>;

const RATE = /^([1-9]\d*)\/(second|minute|hour|day)$/;

/** A burst of 0 is the packet that the rate itself lets through. */
function mergeLogLimit(limit: RateLimit, spec: FelixSettings): RateLimit {
  const [, rate, unit] = RATE.exec(spec.logActionRateLimit ?? '') ?? [];
  return {
    ...limit,
    ...(rate === undefined ? {} : { rate: Number(rate), unit: unit as RateUnit }),
    burst: Math.max(1, spec.logActionRateLimitBurst ?? limit.burst),
  };
}

/** The configuration with the fields that are given in place of its own. */
export function mergeFelix(config: FirewallConfig, spec: FelixSettings): FirewallConfig {
  const toHost = spec.defaultEndpointToHostAction?.toLowerCase();
  const deny = spec.nftablesFilterDenyAction?.toLowerCase();
  return {
    ...config,
    ...(toHost === 'drop' || toHost === 'accept' || toHost === 'return' ? { endpointToHostAction: toHost } : {}),
    ...(deny === 'drop' || deny === 'reject' ? { denyAction: deny } : {}),
    ...(spec.logPrefix === undefined ? {} : { logPrefix: spec.logPrefix }),
    logLimit: mergeLogLimit(config.logLimit, spec),
    ...(spec.vxlanPort === undefined ? {} : { vxlanPort: spec.vxlanPort }),
    ...(spec.allowVXLANPacketsFromWorkloads === undefined
      ? {}
      : { allowVxlanFromWorkloads: spec.allowVXLANPacketsFromWorkloads }),
    ...(spec.allowIPIPPacketsFromWorkloads === undefined
      ? {}
      : { allowIpipFromWorkloads: spec.allowIPIPPacketsFromWorkloads }),
  };
}
