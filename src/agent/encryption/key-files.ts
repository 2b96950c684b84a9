// Where this host's private keys are, and what it says that one is there: the host has been told to encrypt.
import { existsSync } from 'node:fs';
import type { FelixConfigurationSpec } from '../../model/felix/felix-configuration.ts';
import type { Family } from '../../net/ip.ts';

/** In the folder that holds them. */
export function keyFileName(family: Family): string {
  return `wireguard-ipv${family}.key`;
}

/** Of settings that nobody can read. */
export function assumeEncryption(directory: string): FelixConfigurationSpec {
  const hasKey = (family: Family) => existsSync(`${directory}/${keyFileName(family)}`);
  return { ...(hasKey(4) ? { wireguardEnabled: true } : {}), ...(hasKey(6) ? { wireguardEnabledV6: true } : {}) };
}
