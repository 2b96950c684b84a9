// The settings of address assignment that count with etcd: a record under a key of its own, which `calicoctl ipam configure`
// writes (https://docs.tigera.io/calico/latest/reference/calicoctl/ipam/configure). One reader for all who need it.
import { formatIssue, OcicatError } from '../../base/errors.ts';
import { type Json, parseJson } from '../../base/json.ts';
import { membersOf } from '../../schema/document.ts';
import { boolean, choice, integer } from '../../schema/scalars.ts';
import { filled, type Infer, object } from '../../schema/schema.ts';
import { readSchema } from '../../schema/schema-read.ts';

/** Calico leaves false and 0 out when it writes, so what is absent in a record that is there means them. */
const record = object({
  strict_affinity: filled(boolean, false, 'Whether hosts take addresses from their own blocks only.'),
  auto_allocate_blocks: filled(boolean, false, 'Whether hosts take new blocks by themselves.'),
  maxBlocksPerHost: filled(integer(0, Number.MAX_SAFE_INTEGER), 0, 'How many blocks a host may have; 0: as usual.'),
  kubeVirtVMAddressPersistence: filled(choice('Enabled', 'Disabled'), 'Enabled', 'Whether machines keep addresses.'),
  ipCooldownSeconds: filled(integer(0, Number.MAX_SAFE_INTEGER), 0, 'How long a released address rests.'),
});

/** Fields that are not known are kept beside these. */
export type IpamRecord = Infer<typeof record>;

/** What holds while there is no record. */
export const DEFAULT_IPAM_RECORD: IpamRecord = {
  strict_affinity: false,
  auto_allocate_blocks: true,
  maxBlocksPerHost: 0,
  kubeVirtVMAddressPersistence: 'Enabled',
  ipCooldownSeconds: 0,
};

function corrupt(reason: string, cause?: unknown): OcicatError {
  return new OcicatError('corrupt', `read IPAM configuration: ${reason}`, { cause });
}

function parseMembers(text: string): Readonly<Record<string, unknown>> {
  let value: Json;
  try {
    value = parseJson(text);
  } catch (cause) {
    throw corrupt('it is no JSON', cause);
  }
  const members = membersOf(value);
  if (members === undefined) throw corrupt('it is no object');
  return members;
}

/** From the stored text; what stands in the fields of `except`, which are about to be changed, does not matter. Throws `corrupt`. */
export function parseIpamRecord(text: string, except: readonly string[] = []): IpamRecord {
  const members = Object.entries(parseMembers(text)).filter(([name]) => !except.includes(name));
  const result = readSchema<IpamRecord>(record, Object.fromEntries(members), 'stored');
  if (result.kind === 'valid') return result.value;
  throw corrupt(result.issues.map(formatIssue).join('; '));
}
