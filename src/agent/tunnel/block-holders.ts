// Where the addresses of a block are, from its record. Most blocks lend nothing, and are not read whole to find that out.
import { isOcicatError } from '../../base/errors.ts';
import { affinityOf, attributeAt, type Block, heldOrdinals, ipAt } from '../../blocks/block.ts';
import { parseBlock } from '../../blocks/block-json.ts';
import { parseCidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';
import type { BlockHolders } from '../../routing/cluster-input.ts';
import type { Log } from '../../sys/log.ts';

const HOST = affinityOf('');

interface Lent {
  readonly ip: Ip;
  readonly node: string;
}

function hostOf(affinity: string | undefined): string | undefined {
  return affinity?.startsWith(HOST) === true ? affinity.slice(HOST.length) : undefined;
}

/** What is not recorded as some node's is the owner's. */
function borrowedOf(block: Block, owner: string | undefined): readonly Lent[] {
  return heldOrdinals(block).flatMap((ordinal) => {
    const node = attributeAt(block, ordinal)?.secondary?.node;
    return node === undefined || node === '' || node === owner ? [] : [{ ip: ipAt(block, ordinal), node }];
  });
}

/**
 * The owner of a block all of whose addresses are its own; undefined where that takes a closer look. Quotes within a text of the
 * record are escaped, so what stands here in quotes is a name or a value of its own.
 */
function tryPlainOwner(text: string): string | undefined {
  const owners = [...text.matchAll(/"affinity": ?"host:([^"\\]+)"/g)];
  const owner = owners.length === 1 ? owners[0]?.[1] : undefined;
  if (owner === undefined || !/^\s*\{.*\}\s*$/s.test(text)) return undefined;
  const nodes = [...text.matchAll(/"node":([^,}]*)/g)];
  return nodes.every(([, node]) => node?.trim() === `"${owner}"`) ? owner : undefined;
}

/** Throws `corrupt`. */
function readBlockHolders(cidr: string, text: string): BlockHolders {
  const owner = tryPlainOwner(text);
  if (owner !== undefined) return { cidr: parseCidr(cidr), node: owner, borrowed: [] };
  const block = parseBlock(text);
  const node = hostOf(block.affinity);
  return { cidr: block.cidr, node, borrowed: borrowedOf(block, node) };
}

/** `cidr`: the block's range, as its key has it. What cannot be read is nobody's, and the log says so. */
export function tryReadBlockHolders(cidr: string, text: string, log: Log): BlockHolders | undefined {
  try {
    return readBlockHolders(cidr, text);
  } catch (error) {
    if (!isOcicatError(error, 'corrupt')) throw error;
    log.error(`the block ${cidr} cannot be used: nothing leads to it`, error);
    return undefined;
  }
}
