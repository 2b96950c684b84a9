// A table of nftables that is loaded as a whole by whoever comes, and belongs to a socket that a process of its own holds: what
// nobody else can have changed need not be loaded again.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import { computeContent } from '../../nftables/changes.ts';
import { encodeBatch, type TableTarget } from '../../nftables/encode.ts';
import type { Ruleset, TableFamily } from '../../nftables/nft.ts';
import * as libc from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';
import { type ObservedHead, observeGeneration, observeHead } from './observe.ts';
import { endHolders, type HolderName, startHolder, tryTakeHeldSocket } from './table-holder.ts';
import { observeTableOwnership } from './table-ownership.ts';

export interface HeldTable {
  readonly family: TableFamily;
  readonly name: string;
  /** Another one for any other content. */
  readonly comment: string;
  readonly content: Ruleset;
  readonly holder: HolderName;
  /** Of who changes the table, one at a time. Made with its directory where it is not there. */
  readonly lockFile: string;
  /** Gets the process that holds the table's socket from now on. */
  readonly started: (pid: number) => void;
}

function withNetfilter<T>(work: (socket: netlink.Netlink) => T, heldFd?: number): T {
  const socket = heldFd === undefined ? netlink.openNetlink(netlink.NETLINK_NETFILTER) : netlink.adoptNetlink(heldFd);
  try {
    return work(socket);
  } finally {
    socket.close();
  }
}

function observe(socket: netlink.Netlink, { family, name }: HeldTable): ObservedHead | undefined {
  return observeHead({ netlink: socket, writer: netlink.createMessageWriter(256), family, table: name });
}

/** Nobody but who has the socket can have made or changed it. */
function isInForce(head: ObservedHead | undefined, { comment }: HeldTable): boolean {
  return head?.owner.kind === 'socket' && head.layout === comment;
}

function withLock<T>(path: string, work: () => T): T {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const fd = libc.open(path, libc.O_RDWR | libc.O_CREAT | libc.O_NOFOLLOW | libc.O_CLOEXEC, 0o600);
  try {
    libc.flock(fd, libc.LOCK_EX);
    return work();
  } finally {
    libc.close(fd);
  }
}

/** In one step, whatever was there. Throws `kernel`. */
function load(socket: netlink.Netlink, { family, name, comment, content }: HeldTable, owned: boolean): void {
  const target: TableTarget = { name, families: [family], comment, owned };
  const writer = netlink.createMessageWriter();
  const anew = [{ kind: 'delete-table' }, { kind: 'add-table' }, ...computeContent(content).flat()] as const;
  encodeBatch(writer, anew, target);
  const [refusal] = socket.tryRequest(writer, 1);
  if (refusal !== undefined) throw netlink.refusalError(`load nftables table "${family} ${name}"`, refusal);
}

/** What belongs to nobody: its new socket has a holder first, so that an end at any moment leaves no table without one. */
function loadAsOwn(table: HeldTable): void {
  endHolders(table.holder);
  withNetfilter((socket) => {
    const holder = startHolder(table.holder, socket.fd);
    try {
      load(socket, table, true);
      table.started(holder.pid);
    } catch (error) {
      holder.kill('SIGKILL');
      throw error;
    }
  });
}

/** The socket's address in its namespace, which the kernel gives it with the first request. */
function portOf(fd: number): number {
  netlink.drainNetlink(fd);
  const socket = netlink.adoptNetlink(fd);
  observeGeneration(socket, netlink.createMessageWriter(64));
  return socket.portId;
}

/** What another version has left with its holder. */
function loadAsHeld(table: HeldTable, ownerPort: number): void {
  const heldFd = tryTakeHeldSocket(table.holder, (fd) => portOf(fd) === ownerPort);
  if (heldFd === undefined)
    throw new OcicatError(
      'unavailable',
      `load nftables table "${table.family} ${table.name}": it belongs to another process, of root's; end that`,
    );
  withNetfilter((socket) => load(socket, table, true), heldFd);
}

function putInForce(table: HeldTable, isOffered: () => boolean): void {
  const head = withNetfilter((socket) => observe(socket, table));
  if (isInForce(head, table)) return;
  if (head?.owner.kind === 'socket') loadAsHeld(table, head.owner.portId);
  else if (isOffered()) loadAsOwn(table);
  else withNetfilter((socket) => load(socket, table, false));
}

/**
 * Has the kernel have the table with this content, in the calling thread's network namespace. It costs a question where the table
 * is in force already. Where the kernel has no tables that belong to somebody (`isOffered`) it is loaded anew each time. Throws
 * `kernel`, and `unavailable` where a process that is no holder has it.
 */
export function applyHeldTable(table: HeldTable, isOffered = observeTableOwnership): void {
  const head = withNetfilter((socket) => observe(socket, table));
  if (!isInForce(head, table)) withLock(table.lockFile, () => putInForce(table, isOffered));
}
