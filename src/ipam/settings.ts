// Cluster-wide settings of address assignment, from the key that Calico's IPAM really reads (facts: calico §2.3).
import { OcicatError } from '../base/errors.ts';
import { type Json, printJson } from '../base/json.ts';
import { parseFields } from './handle.ts';

export interface IpamSettings {
  /** Never take addresses from other hosts' blocks. */
  readonly strictAffinity: boolean;
  /** Whether hosts may claim blocks by themselves. */
  readonly autoAllocateBlocks: boolean;
  /** Blocks that one host may claim per IP version; 0 in the store means DEFAULT_MAX_BLOCKS. */
  readonly maxBlocksPerHost: number;
  /** 0 to 1,200: how long a released address rests. */
  readonly cooldownSeconds: number;
}

/** Calico's safety limit for hosts without a limit of their own. */
export const DEFAULT_MAX_BLOCKS = 20;

export const DEFAULT_SETTINGS: IpamSettings = {
  strictAffinity: false,
  autoAllocateBlocks: true,
  maxBlocksPerHost: DEFAULT_MAX_BLOCKS,
  cooldownSeconds: 0,
};

function asBoolean(name: string, value: Json | undefined, absent: boolean): boolean {
  if (value === undefined || value === null) return absent;
  if (typeof value === 'boolean') return value;
  throw new OcicatError('corrupt', `parse IPAM settings: ${name} is ${printJson(value)}, wanted true or false`);
}

function asCount(name: string, value: Json | undefined): number {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw new OcicatError('corrupt', `parse IPAM settings: ${name} is ${printJson(value)}, wanted 0 or more`);
}

/** Absent text is the defaults. Throws `corrupt`. */
export function parseIpamSettings(text: string | undefined): IpamSettings {
  if (text === undefined) return DEFAULT_SETTINGS;
  const fields = parseFields('IPAM settings', text);
  const limit = asCount('maxBlocksPerHost', fields.maxBlocksPerHost);
  return {
    strictAffinity: asBoolean('strict_affinity', fields.strict_affinity, false),
    // Calico leaves a false value out when it writes, so an absent one in a record that is there means false
    autoAllocateBlocks: asBoolean('auto_allocate_blocks', fields.auto_allocate_blocks, false),
    maxBlocksPerHost: limit === 0 ? DEFAULT_MAX_BLOCKS : limit,
    cooldownSeconds: asCount('ipCooldownSeconds', fields.ipCooldownSeconds),
  };
}
