// The settings of address assignment as they are stored (facts: calico §2.3), read and written whole.

import { OcicatError } from '../base/errors.ts';
import { parseJson, printJson } from '../base/json.ts';
import { printKey } from '../datastore/keys.ts';
import type { Datastore, Revision } from '../datastore/port.ts';
import { membersOf } from '../model/document.ts';

export interface IpamConfig {
  readonly strict_affinity: boolean;
  readonly auto_allocate_blocks: boolean;
  /** 0 for the usual limit. */
  readonly maxBlocksPerHost: number;
  readonly kubeVirtVMAddressPersistence: 'Enabled' | 'Disabled';
  readonly ipCooldownSeconds: number;
}

export interface StoredIpamConfig {
  readonly fields: IpamConfig;
  /** 0 when nothing is stored and the fields are the defaults. */
  readonly modRevision: Revision;
}

const DEFAULTS: IpamConfig = {
  strict_affinity: false,
  auto_allocate_blocks: true,
  maxBlocksPerHost: 0,
  kubeVirtVMAddressPersistence: 'Enabled',
  ipCooldownSeconds: 0,
};

/** What a stored record says; false and 0 are left out of it. Throws `corrupt`. */
function parseConfig(text: string): IpamConfig {
  const fields = membersOf(parseJson(text));
  if (fields === undefined) throw new OcicatError('corrupt', 'read IPAM configuration: it is no object');
  const count = (value: unknown) => (typeof value === 'number' ? value : 0);
  return {
    strict_affinity: fields.strict_affinity === true,
    auto_allocate_blocks: fields.auto_allocate_blocks === true,
    maxBlocksPerHost: count(fields.maxBlocksPerHost),
    kubeVirtVMAddressPersistence: fields.kubeVirtVMAddressPersistence === 'Disabled' ? 'Disabled' : 'Enabled',
    ipCooldownSeconds: count(fields.ipCooldownSeconds),
  };
}

export async function readIpamConfig(datastore: Datastore, signal: AbortSignal): Promise<StoredIpamConfig> {
  const { kv } = await datastore.get(printKey({ kind: 'ipam-config' }), signal);
  if (kv === undefined) return { fields: DEFAULTS, modRevision: 0 };
  return { fields: parseConfig(kv.value), modRevision: kv.modRevision };
}

/** Calico leaves false and 0 out. */
function printConfig(fields: IpamConfig): string {
  return printJson({
    strict_affinity: fields.strict_affinity || undefined,
    auto_allocate_blocks: fields.auto_allocate_blocks || undefined,
    maxBlocksPerHost: fields.maxBlocksPerHost || undefined,
    kubeVirtVMAddressPersistence: fields.kubeVirtVMAddressPersistence,
    ipCooldownSeconds: fields.ipCooldownSeconds || undefined,
  });
}

/** Throws `conflict` when somebody else has written since it was read. */
export async function writeIpamConfig(
  datastore: Datastore,
  fields: IpamConfig,
  read: StoredIpamConfig,
  signal: AbortSignal,
): Promise<void> {
  const key = printKey({ kind: 'ipam-config' });
  const result = await datastore.commit(
    {
      conditions: [{ key, modRevision: read.modRevision }],
      writes: [{ kind: 'put', key, value: printConfig(fields) }],
    },
    signal,
  );
  if (result.kind === 'conflict')
    throw new OcicatError('conflict', 'write IPAM configuration: it has changed meanwhile');
}
