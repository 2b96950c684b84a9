// Container IDs as they are stored. Runtimes (CNI spec 1.1.0, "Parameters") use letters of both cases, "_" and "." in them, a resource's name does not, and a
// "." would leave open where the network ends in an address's handle, `<network>.<container ID>`.
import { hexHash } from '../../base/hash.ts';

const STORABLE = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
/** With every "-" doubled, a node's name and an interface's beside it, within the 253 characters of a name. */
const MAX_LENGTH = 80;
const READABLE_LENGTH = 40;
const HASH_LENGTH = 16;

/** The ID itself where it can be stored; else what can be read of it and a hash of the whole. The same when done twice. */
export function storableContainerId(id: string): string {
  if (id.length <= MAX_LENGTH && STORABLE.test(id)) return id;
  const readable = id
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, READABLE_LENGTH);
  return `${readable.replaceAll(/^-|-$/g, '')}-${hexHash(id, HASH_LENGTH)}`;
}
