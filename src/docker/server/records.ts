// What Docker has told the driver of its networks and endpoints, kept as files: an agent that starts goes on from there.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isOcicatError } from '../../base/errors.ts';
import { formatCidr } from '../../net/cidr.ts';
import { formatIp } from '../../net/ip.ts';
import { formatPortMapping, tryParsePortMapping } from '../../net/port-mapping.ts';
import { parseDocument } from '../../schema/parse.ts';
import { boolean, choice, integer, parsedText, text } from '../../schema/scalars.ts';
import { filled, type Infer, list, object, optional, required, type Schema } from '../../schema/schema.ts';
import { readRegularFile } from '../../sys/files.ts';
import { replaceFile } from '../../sys/replace-file.ts';
import { address, identifier, mac, range } from '../api/values.ts';

const networkRecord = object({
  networkId: required(identifier, ''),
  profile: optional(text()),
  mtuBytes: optional(integer(68, 65535)),
  ownAddresses: filled(boolean, false, ''),
  /** The profile of its endpoints until now, for a time when Docker's engine does not say the network's name. */
  learned: optional(text()),
  /** As `learned`: where its addresses come from. */
  ranges: filled(list(range), [], ''),
});

export type NetworkRecord = Infer<typeof networkRecord>;

const portMapping = parsedText('a port mapping', tryParsePortMapping);

const endpointRecord = object({
  networkId: required(identifier, ''),
  endpointId: required(identifier, ''),
  addresses: required(list(address), ''),
  mac: required(mac, ''),
  /**
   * `created`: it has no interface. `joined`: it has, or is about to. `leaving`: its interface is to be removed. `deleting`: that and
   * the record.
   */
  state: required(choice('created', 'joined', 'leaving', 'deleting'), ''),
  portMappings: required(list(portMapping), ''),
  /** Of the container; the same for all its endpoints. */
  sandbox: optional(text()),
  /** The profile. */
  network: optional(text()),
  hasGateway: filled(boolean, false, ''),
  /** Whether Docker's engine has said whose it is; until then nothing passes. */
  isNamed: filled(boolean, true, ''),
  /** What is reached by its interface whichever has the gateway. */
  ranges: required(list(range), ''),
  createdMs: filled(integer(0, Number.MAX_SAFE_INTEGER), 0, ''),
});

export type EndpointRecord = Infer<typeof endpointRecord>;

const MAX_BYTES = 1 << 20;
const SUFFIX = '.json';

export interface Records<T> {
  /** One that is damaged says nothing. */
  tryLoad(id: string): T | undefined;
  list(): readonly T[];
  /** Throws `unavailable` when the disk does not take it. */
  save(id: string, record: T): void;
  remove(id: string): void;
}

interface Format<T> {
  readonly schema: Schema<T>;
  print(record: T): string;
}

/** Records of one kind in a folder, which is made when it is needed. */
function openRecords<T>(folder: string, { schema, print }: Format<T>): Records<T> {
  const fileOf = (id: string) => join(folder, `${id}${SUFFIX}`);

  function tryLoad(id: string): T | undefined {
    try {
      const json = new TextDecoder('utf-8', { fatal: true }).decode(readRegularFile(fileOf(id), MAX_BYTES));
      return parseDocument(fileOf(id), json, schema, 'open');
    } catch (error) {
      if (isOcicatError(error) || error instanceof TypeError) return undefined;
      throw error;
    }
  }

  return {
    tryLoad,
    list() {
      const files = existsSync(folder) ? readdirSync(folder) : [];
      const ids = files.filter((file) => file.endsWith(SUFFIX) && !file.startsWith('.'));
      return ids.flatMap((file) => tryLoad(file.slice(0, -SUFFIX.length)) ?? []);
    },
    save(id, record) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      replaceFile(fileOf(id), print(record), 0o600);
    },
    remove: (id) => rmSync(fileOf(id), { force: true }),
  };
}

export function openNetworkRecords(folder: string): Records<NetworkRecord> {
  return openRecords(join(folder, 'networks'), {
    schema: networkRecord,
    print: (record) => JSON.stringify({ ...record, ranges: record.ranges.map(formatCidr) }),
  });
}

export function openEndpointRecords(folder: string): Records<EndpointRecord> {
  const print = (record: EndpointRecord) =>
    JSON.stringify({
      ...record,
      addresses: record.addresses.map(formatIp),
      ranges: record.ranges.map(formatCidr),
      portMappings: record.portMappings.map(formatPortMapping),
    });
  return openRecords(join(folder, 'endpoints'), { schema: endpointRecord, print });
}
