// What the node's configuration says about the firewall (Calico's documentation, "Felix configuration").
import type { RateLimit } from '../nftables/nft.ts';
import { DEFAULT_FAILSAFES, type Failsafes } from '../policy/types/failsafe.ts';
import { type EncryptionConfig, NO_ENCRYPTION } from './encryption/chains.ts';
import type { NatConfig } from './nat/config.ts';

export interface FirewallConfig {
  /**
   * Interfaces whose names start so are workloads' (InterfacePrefix). At most 11 characters of letters, digits, `-`, `_`.
   */
  readonly interfacePrefix: string;
  /**
   * What happens to a workload's packet for its host after the workload's egress policy has let it through
   * (DefaultEndpointToHostAction). Rules of other tables have their say after accept as after return: nftables knows no
   * verdict that ends them, so the two are the same here.
   */
  readonly endpointToHostAction: 'drop' | 'accept' | 'return';
  /** Whether a denied packet gets no answer, or a TCP reset or an ICMP error (NftablesFilterDenyAction). */
  readonly denyAction: 'drop' | 'reject';
  /** Begins the kernel's log lines of `log` rules; `: ` follows (LogPrefix). */
  readonly logPrefix: string;
  /** Log lines go to the program that listens to this group of nfnetlink_log, and not to the kernel's log. */
  readonly logGroup?: number;
  /**
   * How many lines each `log` rule writes (LogActionRateLimit, LogActionRateLimitBurst). Felix has no limit by default; we
   * have one, for the log belongs to the host and it is workloads that fill it.
   */
  readonly logLimit: RateLimit;
  /** UDP port that workloads may not send to (VXLANPort), unless allowVxlanFromWorkloads. */
  readonly vxlanPort: number;
  readonly allowVxlanFromWorkloads: boolean;
  readonly allowIpipFromWorkloads: boolean;
  /** From so many policies of a tier on an endpoint has their rules merged into sets; see merged-tier.ts. */
  readonly mergeFrom: number;
  /** Whether a packet that belongs to no flow and cannot begin one is dropped (DisableConntrackInvalidCheck switches it off). */
  readonly dropInvalid: boolean;
  /** Whether endpoints may send from the ranges that they name beside their addresses (WorkloadSourceSpoofing). */
  readonly sourceSpoofing: boolean;
  readonly nat: NatConfig;
  /** By which devices packets between hosts leave that are to be encrypted (WireguardEnabled). */
  readonly encryption: EncryptionConfig;
  /** What no policy of a host endpoint closes (FailsafeInboundHostPorts, FailsafeOutboundHostPorts). */
  readonly failsafes: Failsafes;
  /** Flows that a workload may have begun and been sent at a time, together; 0: as many as it can. */
  readonly maxFlows: number;
}

export const defaultFirewallConfig: FirewallConfig = {
  interfacePrefix: 'cali',
  endpointToHostAction: 'drop',
  denyAction: 'drop',
  logPrefix: 'calico-packet',
  logLimit: { rate: 10, unit: 'second', burst: 5 },
  vxlanPort: 4789,
  allowVxlanFromWorkloads: false,
  allowIpipFromWorkloads: false,
  mergeFrom: 8,
  dropInvalid: true,
  sourceSpoofing: false,
  nat: { floatingAddresses: false },
  encryption: NO_ENCRYPTION,
  failsafes: DEFAULT_FAILSAFES,
  maxFlows: 20_000,
};
