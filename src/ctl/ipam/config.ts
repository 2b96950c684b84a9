// The settings of address assignment as they are stored (Calico v3.33, libcalico-go/lib/ipam/ipam.go), read and written
// whole.

import { OcicatError } from '../../base/errors.ts';
import { printJson } from '../../base/json.ts';
import { printKey } from '../../datastore/keys.ts';
import type { Datastore, Revision } from '../../datastore/port.ts';
import { DEFAULT_IPAM_RECORD, type IpamRecord, parseIpamRecord } from '../../model/ipam/ipam-record.ts';

export interface StoredIpamConfig {
  readonly fields: IpamRecord;
  /** 0 when nothing is stored and the fields are the defaults. */
  readonly modRevision: Revision;
}

/**
 * `changing`: fields that are about to be written, whatever stands in them. Throws `corrupt` for others that cannot be
 * read.
 */
export async function readIpamConfig(
  datastore: Datastore,
  signal: AbortSignal,
  changing: readonly string[] = [],
): Promise<StoredIpamConfig> {
  const { kv } = await datastore.get(printKey({ kind: 'ipam-config' }), signal);
  if (kv === undefined) return { fields: DEFAULT_IPAM_RECORD, modRevision: 0 };
  return { fields: parseIpamRecord(kv.value, changing), modRevision: kv.modRevision };
}

/** Calico leaves false and 0 out; what is not known stays. */
function printConfig(fields: IpamRecord): string {
  return printJson({
    ...fields,
    strict_affinity: fields.strict_affinity || undefined,
    auto_allocate_blocks: fields.auto_allocate_blocks || undefined,
    maxBlocksPerHost: fields.maxBlocksPerHost || undefined,
    ipCooldownSeconds: fields.ipCooldownSeconds || undefined,
  });
}

/** Throws `conflict` when somebody else has written since it was read. */
export async function writeIpamConfig(
  datastore: Datastore,
  fields: IpamRecord,
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
