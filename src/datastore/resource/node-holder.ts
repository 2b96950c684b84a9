// Who has a node's name: the host whose agent had it last, and the agent that has it now, which a lease proves alive.
import { OcicatError } from '../../base/errors.ts';
import { isJsonObject, type Json, parseJson, printJson } from '../../base/json.ts';
import { type HolderPart, printKey } from '../keys.ts';
import type { Datastore, Revision } from '../port.ts';

const FIELDS = ['machine', 'boot', 'network', 'instance', 'hostname', 'since'] as const;

export interface Holder {
  /** The machine, whatever it is called and however often it starts; empty when it has nothing to be known by. */
  readonly machine: string;
  /** The boot id of its kernel (random(4)). */
  readonly boot: string;
  /** The network namespace that the agent works on. */
  readonly network: string;
  /** Of this run of the agent. */
  readonly instance: string;
  /** For people. */
  readonly hostname: string;
  /** RFC 3339: when the agent started. */
  readonly since: string;
}

export interface HolderRecord {
  /** Undefined where nobody is written down. */
  readonly holder: Holder | undefined;
  /** 0 where nobody is written down. */
  readonly modRevision: Revision;
}

export function holderKey(node: string, part: HolderPart): string {
  return printKey({ kind: 'holder', part, node });
}

export function printHolder(holder: Holder): string {
  return printJson(Object.fromEntries(FIELDS.map((field) => [field, holder[field]])));
}

function textOf(value: Json, field: string): string {
  const text = isJsonObject(value) ? value[field] : undefined;
  return typeof text === 'string' ? text : '';
}

/** Throws `corrupt` for a text that is not JSON; a field that is missing is empty, and an empty one is nobody's. */
export function parseHolder(key: string, text: string): Holder {
  try {
    const value = parseJson(text);
    const read = (field: (typeof FIELDS)[number]) => textOf(value, field);
    return {
      machine: read('machine'),
      boot: read('boot'),
      network: read('network'),
      instance: read('instance'),
      hostname: read('hostname'),
      since: read('since'),
    };
  } catch (cause) {
    throw new OcicatError('corrupt', `read "${key}": not JSON`, { cause });
  }
}

/** `hostname "a", machine 3f2a9c01d4e5b677, since 2026-11-28T02:40:11Z`. */
export function formatHolder({ hostname, machine, since }: Holder): string {
  return `hostname "${hostname}", machine ${machine === '' ? 'unknown' : machine}, since ${since}`;
}

export async function readHolder(
  datastore: Datastore,
  node: string,
  part: HolderPart,
  signal?: AbortSignal,
): Promise<HolderRecord> {
  const key = holderKey(node, part);
  const { kv } = await datastore.get(key, signal);
  return kv === undefined
    ? { holder: undefined, modRevision: 0 }
    : { holder: parseHolder(key, kv.value), modRevision: kv.modRevision };
}
