// Encodes a batch of operations for nfnetlink, message for message as libnftnl would.
import {
  type BatchWriter,
  encodeChain,
  encodeComment,
  encodeElement,
  encodeRule,
  encodeSet,
} from './encode-objects.ts';
import {
  type Batch,
  type Element,
  familyOfObject,
  LAYOUT,
  type Operation,
  type SetSpec,
  TABLE_FAMILIES,
  type TableFamily,
} from './nft.ts';
import {
  ACK,
  APPEND,
  BATCH_GENERATION,
  CREATE,
  familyNumbers,
  message,
  SUBSYSTEM_NFTABLES,
  TABLE_OWNED,
  TABLE_PERSISTENT,
} from './wire.ts';

/** The table that a batch is about: one of each family, under one name and with one comment. */
export interface TableTarget {
  readonly name: string;
  readonly families: readonly TableFamily[];
  readonly comment: string;
  /** When it is added, it belongs to the socket that adds it, and stays when that closes. */
  readonly owned: boolean;
}

/** The agent's, or one with the same content. */
export function agentTable(name: string, owned: boolean): TableTarget {
  return { name, families: TABLE_FAMILIES, comment: LAYOUT, owned };
}

/** A list of elements is one attribute, of 65535 bytes at most; an element takes at most some 200. */
const MAX_LIST_BYTES = 64_000;

/** The four bytes behind each nfnetlink message's header: family, version, resource. */
export function encodeFamily(writer: BatchWriter, family: number, resource = 0): void {
  writer.u8(family);
  writer.u8(0);
  writer.be16(resource);
}

function encodeElements(
  writer: BatchWriter,
  table: string,
  type: number,
  flags: number,
  set: SetSpec,
  elements: readonly Element[],
): void {
  for (let at = 0; at < elements.length; ) {
    beginMessage(writer, [familyOfObject(set.name), table], type, flags);
    writer.attrString(2, set.name);
    writer.nest(3);
    for (; writer.nestLength < MAX_LIST_BYTES; at++) {
      const element = elements[at];
      if (element === undefined) break;
      encodeElement(writer, set, type === message.delSetElem ? [element[0], undefined] : element);
    }
    writer.endNest();
    writer.end();
  }
}

/** A table: its family and its name, which is attribute 1 of every message. */
type TableKey = readonly [family: TableFamily, name: string];

function beginMessage(writer: BatchWriter, [family, name]: TableKey, type: number, flags: number): void {
  writer.begin(type, flags);
  encodeFamily(writer, familyNumbers[family]);
  writer.attrString(1, name);
}

function encodeMessage(writer: BatchWriter, table: TableKey, type: number, flags: number, body: () => unknown): void {
  beginMessage(writer, table, type, flags);
  body();
  writer.end();
}

function encodeTables(writer: BatchWriter, { name, families, comment, owned }: TableTarget): void {
  for (const family of families) {
    encodeMessage(writer, [family, name], message.newTable, CREATE, () => {
      if (owned) writer.attrBe32(2, TABLE_OWNED | TABLE_PERSISTENT);
      encodeComment(writer, 6, comment);
    });
  }
}

/** Any may be missing: it is made first, so that all can be deleted. `isAnswered`: by the last of them. */
function encodeDeletion(writer: BatchWriter, { name, families }: TableTarget, isAnswered: boolean): void {
  for (const family of families) encodeMessage(writer, [family, name], message.newTable, CREATE, () => {});
  for (const family of families) {
    const flags = isAnswered && family === families.at(-1) ? ACK : 0;
    encodeMessage(writer, [family, name], message.delTable, flags, () => {});
  }
}

function encodeOperation(writer: BatchWriter, target: TableTarget, operation: Operation, isLast: boolean): void {
  const { name } = target;
  const tableOf = (object: string): TableKey => [familyOfObject(object), name];
  switch (operation.kind) {
    case 'add-table':
      encodeTables(writer, target);
      break;
    case 'delete-table':
      encodeDeletion(writer, target, isLast);
      break;
    case 'add-set':
      encodeMessage(writer, tableOf(operation.set.name), message.newSet, CREATE, () =>
        encodeSet(writer, operation.set),
      );
      break;
    case 'delete-set':
      encodeMessage(writer, tableOf(operation.name), message.delSet, 0, () => writer.attrString(2, operation.name));
      break;
    case 'add-chain':
      encodeMessage(writer, tableOf(operation.chain.name), message.newChain, CREATE, () =>
        encodeChain(writer, operation.chain),
      );
      break;
    case 'delete-chain':
      encodeMessage(writer, tableOf(operation.chain), message.delChain, 0, () => writer.attrString(3, operation.chain));
      break;
    case 'flush-chain':
      encodeMessage(writer, tableOf(operation.chain), message.delRule, 0, () => writer.attrString(2, operation.chain));
      break;
    case 'add-rule': {
      const { chain, rule, counted } = operation;
      encodeMessage(writer, tableOf(chain), message.newRule, CREATE | APPEND, () =>
        encodeRule(writer, chain, rule, counted),
      );
      break;
    }
    case 'add-elements':
      encodeElements(writer, name, message.newSetElem, CREATE, operation.set, operation.elements);
      break;
    case 'delete-elements':
      encodeElements(writer, name, message.delSetElem, 0, operation.set, operation.elements);
      break;
  }
}

/**
 * Writes the whole batch. Only its last message asks for an acknowledgement (the table's deletion, or one that changes nothing
 * of it), so expect exactly one; refused messages are answered as well. With `generation` the kernel refuses the batch (ERESTART)
 * when anybody has changed any table since that generation. Returns the number of each operation's first message, from 0.
 */
export function encodeBatch(
  writer: BatchWriter,
  batch: Batch,
  target: TableTarget,
  generation?: number,
): readonly number[] {
  writer.begin(message.batchBegin, 0);
  encodeFamily(writer, 0, SUBSYSTEM_NFTABLES);
  if (generation !== undefined) writer.attrBe32(BATCH_GENERATION, generation);
  writer.end();
  const last = batch.at(-1);
  const starts = batch.map((operation) => {
    const start = writer.count;
    encodeOperation(writer, target, operation, operation === last);
    return start;
  });
  if (last?.kind !== 'delete-table') encodeMessage(writer, ['inet', target.name], message.newTable, ACK, () => {});
  writer.begin(message.batchEnd, 0);
  encodeFamily(writer, 0, SUBSYSTEM_NFTABLES);
  writer.end();
  return starts;
}
