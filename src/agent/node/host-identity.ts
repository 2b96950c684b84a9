// What tells this host from every other, also from one that was cloned from the same disk or has its name.
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { printTime } from '../../blocks/block.ts';
import type { Holder } from '../../datastore/resource/node-holder.ts';
import type { Log } from '../../sys/log.ts';
import { writeFileWhole } from './node-files.ts';

/** On the host's disk, which a pod of the agent shares: a pod has no /etc/machine-id of the host. */
const ID_FILE = 'host-id';
/** The machine's own number, which a clone of its disk does not have (SMBIOS; readable by root). */
const PRODUCT_UUID = '/sys/class/dmi/id/product_uuid';
/** New with each start of the kernel (random(4)). */
const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const DIGITS = 16;

function tryRead(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Made at the first start. A disk that cannot be written leaves the machine without one. */
function ensureId(path: string, log: Log): string {
  const standing = tryRead(path);
  if (standing !== '') return standing;
  const id = randomUUID();
  try {
    writeFileWhole(path, `${id}\n`, 0o600);
    return id;
  } catch (error) {
    log.warn(`write "${path}": after a restart of the machine, the node's name may have to be taken over`, error);
    return '';
  }
}

/** A hash: the numbers themselves are nobody's business (machine-id(5) says the same of its own). */
export function computeMachine(id: string, productUuid: string): string {
  if (id === '' && productUuid === '') return '';
  return createHash('sha256').update(`${id}\n${productUuid}`).digest('hex').slice(0, DIGITS);
}

/** This agent on this host, as it will be written down. */
export function observeHost(libraryDirectory: string, nowMs: number, log: Log): Holder {
  return {
    machine: computeMachine(ensureId(`${libraryDirectory}/${ID_FILE}`, log), tryRead(PRODUCT_UUID)),
    boot: tryRead(BOOT_ID),
    network: readlinkSync('/proc/self/ns/net'),
    instance: randomUUID(),
    hostname: hostname(),
    since: printTime(nowMs),
  };
}

export type Relation =
  /** The same network of the same run of the same kernel: an agent after another. */
  | 'same'
  /** The machine has started anew since, and nothing of that time lives on. */
  | 'restarted'
  | 'other';

export function relate(holder: Holder, own: Holder): Relation {
  if (holder.boot === own.boot && holder.network === own.network && own.boot !== '') return 'same';
  const isMachine = holder.machine === own.machine && own.machine !== '';
  return isMachine && holder.boot !== own.boot ? 'restarted' : 'other';
}
