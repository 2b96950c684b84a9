// A block to and from Calico's JSON, byte for byte as Calico's own programs write it (Calico v3.33,
// libcalico-go/lib/backend/model/block.go).

import { type Issue, OcicatError } from '../base/errors.ts';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../base/json.ts';
import { type Cidr, cidrSize, formatCidr, isMasked, tryParseCidr } from '../net/cidr.ts';
import type { Attribute, Block } from './block.ts';

/** Calico's blocks have at most 4,096 addresses (/20, /116); more than this is not a block. */
const MAX_BLOCK_SIZE = 65_536;

type Report = (path: string, found: Json | undefined, wanted: string) => void;

function describe(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : value === null ? 'null' : 'an object';
  return typeof value === 'string' ? `"${value}"` : String(value);
}

/** Absent and null read as undefined; Go prints a nil pointer, list or map as null. */
function readText(fields: JsonObject, name: string, path: string, report: Report): string | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  report(`${path}${name}`, value, 'a string');
  return undefined;
}

function readList(fields: JsonObject, name: string, report: Report): readonly Json[] {
  const value = fields[name] ?? [];
  if (Array.isArray(value)) return value;
  report(name, value, 'a list');
  return [];
}

function readStrings(
  fields: JsonObject,
  name: string,
  path: string,
  report: Report,
): Record<string, string> | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  const strings: Record<string, string> = {};
  if (!isJsonObject(value)) report(`${path}${name}`, value, 'an object of strings');
  else
    for (const [key, text] of Object.entries(value)) {
      if (typeof text === 'string') strings[key] = text;
      else report(`${path}${name}.${key}`, text, 'a string');
    }
  return strings;
}

function readAttribute(value: Json, index: number, report: Report): Attribute {
  const path = `attributes[${index}].`;
  if (!isJsonObject(value)) {
    report(`attributes[${index}]`, value, 'an object');
    return {};
  }
  return {
    handleId: readText(value, 'handle_id', path, report),
    secondary: readStrings(value, 'secondary', path, report),
    alternateOwner: readStrings(value, 'alternateOwnerAttrs', path, report),
    releasedAt: readText(value, 'releasedAt', path, report),
  };
}

function readCidr(fields: JsonObject, report: Report): Cidr | undefined {
  const text = fields.cidr;
  const cidr = typeof text === 'string' ? tryParseCidr(text) : undefined;
  if (cidr !== undefined && isMasked(cidr) && cidrSize(cidr) <= MAX_BLOCK_SIZE) return cidr;
  report('cidr', text, `a range without host bits of at most ${MAX_BLOCK_SIZE} addresses`);
  return undefined;
}

function readAllocations(fields: JsonObject, attributes: number, report: Report): readonly (number | undefined)[] {
  return readList(fields, 'allocations', report).map((value, ordinal) => {
    if (value === null) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < attributes) return value;
    report(`allocations[${ordinal}]`, value, `null or an index below ${attributes}`);
    return undefined;
  });
}

/** Ordinals that are free, each once; what is neither here nor allocated would be lost. */
function readUnallocated(
  fields: JsonObject,
  allocations: readonly (number | undefined)[],
  report: Report,
): readonly number[] {
  const free = new Set<number>();
  for (const [index, value] of readList(fields, 'unallocated', report).entries()) {
    const fits = typeof value === 'number' && value in allocations && allocations[value] === undefined;
    if (fits && !free.has(value)) free.add(value);
    else report(`unallocated[${index}]`, value, 'an ordinal that is free, once');
  }
  const lost = [...allocations.keys()].filter((ordinal) => allocations[ordinal] === undefined && !free.has(ordinal));
  if (lost.length > 0) report('unallocated', `without ${lost.join(', ')}`, 'every ordinal that is not allocated');
  return [...free];
}

function readInteger(value: Json | undefined, path: string, report: Report): bigint {
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))) return BigInt(value);
  if (value !== undefined && value !== null) report(path, value, 'an integer');
  return 0n;
}

function readSequences(fields: JsonObject, report: Report): ReadonlyMap<number, bigint> {
  const value = fields.sequenceNumberForAllocation ?? {};
  if (!isJsonObject(value)) {
    report('sequenceNumberForAllocation', value, 'an object of integers');
    return new Map();
  }
  const path = (key: string) => `sequenceNumberForAllocation.${key}`;
  return new Map(Object.entries(value).map(([key, number]) => [Number(key), readInteger(number, path(key), report)]));
}

function readBlock(fields: JsonObject, report: Report): Block | undefined {
  const cidr = readCidr(fields, report);
  const attributes = readList(fields, 'attributes', report).map((value, index) => readAttribute(value, index, report));
  const allocations = readAllocations(fields, attributes.length, report);
  if (cidr === undefined) return undefined;
  const size = cidrSize(cidr);
  if (allocations.length !== size) report('allocations', `${allocations.length} entries`, `${size} entries`);
  return {
    cidr,
    affinity: readText(fields, 'affinity', '', report),
    affinityClaimTime: readText(fields, 'affinity_claim_time', '', report),
    allocations,
    unallocated: readUnallocated(fields, allocations, report),
    attributes,
    sequenceNumber: readInteger(fields.sequenceNumber, 'sequenceNumber', report),
    allocationSequence: readSequences(fields, report),
    deleted: fields.deleted === true,
    hostAffinity: readText(fields, 'hostAffinity', '', report),
  };
}

/** Throws `corrupt` with every issue for text that is not a whole, consistent block. */
export function parseBlock(text: string): Block {
  const issues: Issue[] = [];
  const report: Report = (path, found, wanted) => issues.push({ path, found: describe(found), wanted });
  let block: Block | undefined;
  try {
    const value = parseJson(text);
    if (isJsonObject(value)) block = readBlock(value, report);
    else report('', value, 'an object');
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof RangeError)) throw cause;
    throw new OcicatError('corrupt', 'parse block: not JSON', { cause });
  }
  if (block !== undefined && issues.length === 0) return block;
  throw new OcicatError('corrupt', `parse block: ${issues.length} fields are not as a block has them`, { issues });
}

/** Go sorts the keys of a map as text: "10" comes before "2". */
function printMap(entries: readonly (readonly [string, string])[]): string {
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${sorted.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`;
}

/** Go leaves out an empty map as it does an absent one. */
function printStrings(name: string, strings: Readonly<Record<string, string>> | undefined): string | undefined {
  const entries = Object.entries(strings ?? {}).map(([key, text]) => [key, JSON.stringify(text)] as const);
  return entries.length === 0 ? undefined : `"${name}":${printMap(entries)}`;
}

function printText(name: string, text: string | undefined): string | undefined {
  return text === undefined ? undefined : `"${name}":${JSON.stringify(text)}`;
}

function joinMembers(members: readonly (string | undefined)[]): string {
  return `{${members.filter((member) => member !== undefined).join(',')}}`;
}

function printAttribute(attribute: Attribute): string {
  return joinMembers([
    printText('handle_id', attribute.handleId),
    printStrings('secondary', attribute.secondary),
    printStrings('alternateOwnerAttrs', attribute.alternateOwner),
    printText('releasedAt', attribute.releasedAt),
  ]);
}

/** Members in the order of Calico's struct. */
export function printBlock(block: Block): string {
  const sequences = [...block.allocationSequence].map(([ordinal, number]) => [`${ordinal}`, `${number}`] as const);
  return joinMembers([
    `"cidr":"${formatCidr(block.cidr)}"`,
    `"affinity":${block.affinity === undefined ? 'null' : JSON.stringify(block.affinity)}`,
    printText('affinity_claim_time', block.affinityClaimTime),
    `"allocations":[${block.allocations.map((index) => index ?? 'null').join(',')}]`,
    `"unallocated":[${block.unallocated.join(',')}]`,
    `"attributes":[${block.attributes.map(printAttribute).join(',')}]`,
    `"sequenceNumber":${block.sequenceNumber}`,
    `"sequenceNumberForAllocation":${printMap(sequences)}`,
    `"deleted":${block.deleted}`,
    printText('hostAffinity', block.hostAffinity),
  ]);
}
