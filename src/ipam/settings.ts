// Cluster-wide settings of address assignment, from the key that Calico's IPAM really reads (Calico v3.33,
// libcalico-go/lib/ipam/ipam.go).
import { isOcicatError } from '../base/errors.ts';
import { DEFAULT_IPAM_RECORD, parseIpamRecord } from '../model/ipam/ipam-record.ts';

export interface IpamSettings {
  /** Never take addresses from other hosts' blocks. */
  readonly strictAffinity: boolean;
  /** Whether hosts may claim blocks by themselves. */
  readonly autoAllocateBlocks: boolean;
  /** Blocks that one host may claim per IP version; 0 in the store means DEFAULT_MAX_BLOCKS. */
  readonly maxBlocksPerHost: number;
  /** How long a released address rests. */
  readonly cooldownSeconds: number;
}

/** Calico's safety limit for hosts without a limit of their own. */
const DEFAULT_MAX_BLOCKS = 20;

/** Absent text is the defaults. Throws `corrupt`. */
export function parseIpamSettings(text: string | undefined): IpamSettings {
  const record = text === undefined ? DEFAULT_IPAM_RECORD : parseIpamRecord(text);
  return {
    strictAffinity: record.strict_affinity,
    autoAllocateBlocks: record.auto_allocate_blocks,
    maxBlocksPerHost: record.maxBlocksPerHost === 0 ? DEFAULT_MAX_BLOCKS : record.maxBlocksPerHost,
    cooldownSeconds: record.ipCooldownSeconds,
  };
}

/** The longest rest that `calicoctl ipam configure` takes. */
const MAX_COOLDOWN_S = 1_200;

/** How long a released address rests; as long as any can while the settings cannot be read, so that a release needs none. */
export function parseCooldownSeconds(text: string | undefined): number {
  try {
    return parseIpamSettings(text).cooldownSeconds;
  } catch (error) {
    if (!isOcicatError(error, 'corrupt')) throw error;
    return MAX_COOLDOWN_S;
  }
}
