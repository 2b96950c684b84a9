// Netlink sockets: whole batches out in one send, acknowledgements and answers back, refusals with the kernel's own message.
import { OcicatError } from '../base/errors.ts';
import * as libc from './libc.ts';
import { type Message, readAttributes, readI32, readMessages, readText, readU32 } from './netlink-reader.ts';
import type { MessageWriter } from './netlink-writer.ts';

export * from './netlink-reader.ts';
export * from './netlink-writer.ts';

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
/** The kernel sends nothing that has less than so much room to spare (net/netlink/af_netlink.c, netlink_sendmsg). */
const SPARE_ROOM_BYTES = 32;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const POLLIN = 1;

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_DUMP_INTR = 0x10;
const NLM_F_CAPPED = 0x100;
const NLMSGERR_ATTR_MSG = 1;

/** A dump datagram is at most 32 KiB (kernel: netlink_dump); every other answer is one object of at most 64 KiB. */
const RECEIVE_BYTES = 1 << 16;
/** The kernel answers within the send; this is only for the day it does not. */
const ANSWER_TIMEOUT_MS = 10_000;
const MAX_DUMP_ATTEMPTS = 20;

export interface NetlinkOptions {
  /** Multicast groups to join, by number (not by bit). */
  readonly groups?: readonly number[];
  /** Opens the socket inside this network namespace instead of the calling thread's. */
  readonly netnsFd?: number;
  /** Non-blocking, for reading as a stream. */
  readonly nonBlocking?: boolean;
  /** Room for one batch, over the system's limit if need be; the default is the system's (about 200 KiB). */
  readonly sendBufferBytes?: number;
  /** Room for all answers to a batch, about 800 bytes each, or for notifications that wait. */
  readonly receiveBufferBytes?: number;
}

/** One message that the kernel refused. */
export interface Refusal {
  /** Position in the batch, from 0. */
  readonly index: number;
  readonly seq: number;
  readonly errno: number;
  /** The kernel's extended acknowledgement, or an empty text. */
  readonly extack: string;
}

type OnMessage = (type: number, payload: Uint8Array) => void;

/**
 * All calls are synchronous and throw OcicatError `kernel` with the errno; ENOBUFS means that answers were lost because
 * receiveBufferBytes is too small, and that the outcome of the batch is not known.
 */
export interface Netlink {
  readonly fd: number;
  /** The socket's address, as it stands in notifications that its requests caused; 0 until the first answer has come. */
  readonly portId: number;
  /**
   * Sends the batch and waits for `expectedAcks` answers (messages with NLM_F_ACK). Throws for the first refused message.
   * Other messages that come back (NLM_F_ECHO, answers to a "get") go to onMessage; their bytes are only valid inside it.
   */
  request(writer: MessageWriter, expectedAcks: number, onMessage?: OnMessage): void;
  /** As request, but returns the refused messages instead of throwing; an empty list when all were accepted. */
  tryRequest(writer: MessageWriter, expectedAcks: number, onMessage?: OnMessage): readonly Refusal[];
  /** Sends one NLM_F_DUMP message; hands over the objects once a whole, uninterrupted dump has been read. */
  dump(writer: MessageWriter, onMessage: OnMessage): void;
  close(): void;
}

function intBytes(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

/** As much as the system allows where this process may not have more, as in a user namespace. */
function setBuffer(fd: number, force: number, plain: number, bytes: number): void {
  try {
    libc.setsockopt(fd, SOL_SOCKET, force, intBytes(bytes));
  } catch {
    libc.setsockopt(fd, SOL_SOCKET, plain, intBytes(bytes));
  }
}

/** How many bytes the socket takes at once. */
export function observeSendRoom(fd: number): number {
  const into = new Uint8Array(4);
  libc.getsockopt(fd, SOL_SOCKET, SO_SNDBUF, into);
  return readU32(into) - SPARE_ROOM_BYTES;
}

function openSocket(protocol: number, options: NetlinkOptions): number {
  const type = SOCK_RAW | SOCK_CLOEXEC | (options.nonBlocking ? libc.O_NONBLOCK : 0);
  const { netnsFd } = options;
  const fd =
    netnsFd === undefined
      ? libc.socket(AF_NETLINK, type, protocol)
      : libc.socketIn(netnsFd, AF_NETLINK, type, protocol);
  try {
    libc.setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, intBytes(1));
    libc.setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, intBytes(1));
    libc.setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, intBytes(1)); // dumps honour filters
    if (options.sendBufferBytes !== undefined) setBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options.sendBufferBytes);
    if (options.receiveBufferBytes !== undefined) setBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options.receiveBufferBytes);
    // an unbound socket has port 0, the kernel's own, and hears nothing
    if (options.groups !== undefined) libc.bind(fd, new Uint8Array(Uint16Array.of(AF_NETLINK, 0, 0, 0, 0, 0).buffer));
    for (const group of options.groups ?? []) libc.setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, intBytes(group));
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** errno (0 for success) and the message of the extended acknowledgement of an NLMSG_ERROR. */
function readVerdict(message: Message): { readonly errno: number; readonly extack: string } {
  const errno = -readI32(message.payload);
  if (errno === 0) return { errno, extack: '' };
  const echoedBytes = message.flags & NLM_F_CAPPED ? 16 : readU32(message.payload, 4);
  const extack = readAttributes(message.payload, 4 + ((echoedBytes + 3) & ~3)).get(NLMSGERR_ATTR_MSG);
  return { errno, extack: extack === undefined ? '' : readText(extack) };
}

function isErrno(error: unknown, errno: number): boolean {
  return error instanceof OcicatError && error.errno === errno;
}

/** One datagram, or undefined when none waits. Throws ENOBUFS once after an overrun. */
function tryReceive(fd: number, into: Uint8Array): Uint8Array | undefined {
  try {
    const length = libc.recv(fd, into, MSG_DONTWAIT | MSG_TRUNC);
    if (length <= into.length) return into.subarray(0, length);
    throw new OcicatError('kernel', `receive netlink message: ${length} bytes, ${into.length} at most wanted`);
  } catch (error) {
    if (isErrno(error, libc.EAGAIN) || isErrno(error, libc.EINTR)) return undefined;
    throw error;
  }
}

/** Throws away what has come for an earlier user of the socket, also the rest of a dump that it has not read to the end. */
export function drainNetlink(fd: number): void {
  const into = new Uint8Array(RECEIVE_BYTES);
  const tryOne = (): boolean => {
    try {
      return tryReceive(fd, into) !== undefined;
    } catch (error) {
      if (isErrno(error, libc.ENOBUFS)) return true;
      throw error;
    }
  };
  while (tryOne());
}

function receive(fd: number, into: Uint8Array): Uint8Array {
  const deadline = performance.now() + ANSWER_TIMEOUT_MS;
  for (;;) {
    const bytes = tryReceive(fd, into);
    if (bytes !== undefined) return bytes;
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) throw new OcicatError('timeout', `receive netlink answer: none within ${ANSWER_TIMEOUT_MS} ms`);
    libc.poll(fd, POLLIN, Math.ceil(leftMs));
  }
}

/** `action: refused with EEXIST (the kernel's message)`, code `kernel`. */
export function refusalError(action: string, refusal: Refusal): OcicatError {
  const detail = refusal.extack === '' ? '' : ` (${refusal.extack})`;
  const text = `${action}: refused with ${libc.errnoName(refusal.errno)}${detail}`;
  return new OcicatError('kernel', text, { errno: refusal.errno });
}

function refuse(refusal: Refusal, count: number): OcicatError {
  const position = count === 1 ? '' : `, message ${refusal.index + 1} of ${count}`;
  return refusalError(`netlink request${position}`, refusal);
}

function send(fd: number, writer: MessageWriter): void {
  const bytes = writer.finish();
  const sent = libc.send(fd, bytes);
  if (sent !== bytes.length)
    throw new OcicatError('kernel', `send netlink batch: ${sent} of ${bytes.length} bytes sent`);
}

/**
 * Opens a socket in the calling thread's network namespace; it stays bound to that namespace.
 * Throws `kernel`.
 */
export function openNetlink(protocol: number, options: NetlinkOptions = {}): Netlink {
  return adoptNetlink(openSocket(protocol, options));
}

/** Works with a socket of rtnetlink in the network namespace, the calling thread's if none is given, for a moment. Throws `kernel`. */
export function withRouteSocket<T>(work: (socket: Netlink) => T, netnsFd?: number): T {
  const socket = openNetlink(NETLINK_ROUTE, netnsFd === undefined ? {} : { netnsFd });
  try {
    return work(socket);
  } finally {
    socket.close();
  }
}

/** Receive buffers of closed sockets: an ADD opens several for a moment, and 64 KiB each would be much to throw away. */
const spareBuffers: Uint8Array[] = [];

interface Socket {
  readonly fd: number;
  /** What datagrams are received into. */
  readonly into: Uint8Array;
}

interface Answers {
  readonly refusals: readonly Refusal[];
  /** The socket's own address, as the answers have it; undefined where none has come. */
  readonly portId: number | undefined;
}

/** After a refusal fewer answers may come than were asked for: then what is there is all there is. */
function collect(
  { fd, into }: Socket,
  writer: MessageWriter,
  expectedAcks: number,
  onMessage: OnMessage | undefined,
): Answers {
  const refusals: Refusal[] = [];
  let portId: number | undefined;
  for (let acks = 0; acks < expectedAcks || refusals.length > 0; ) {
    const bytes = refusals.length > 0 ? tryReceive(fd, into) : receive(fd, into);
    if (bytes === undefined) break;
    for (const message of readMessages(bytes)) {
      const index = (message.seq - writer.firstSeq) >>> 0;
      if (index >= writer.count) continue; // a late answer to an earlier request
      portId = message.portId;
      if (message.type === NLMSG_ERROR) {
        acks++;
        const verdict = readVerdict(message);
        if (verdict.errno !== 0) refusals.push({ index, seq: message.seq, ...verdict });
      } else if (message.type !== NLMSG_DONE) onMessage?.(message.type, message.payload);
    }
  }
  return { refusals, portId };
}

/** Whole datagrams of one dump; undefined when the kernel's data changed meanwhile. */
function tryDump({ fd, into }: Socket, writer: MessageWriter): readonly Uint8Array[] | undefined {
  send(fd, writer);
  const datagrams: Uint8Array[] = [];
  let interrupted = false;
  for (;;) {
    const bytes = receive(fd, into).slice();
    for (const message of readMessages(bytes)) {
      if (message.seq !== writer.firstSeq) continue;
      if ((message.flags & NLM_F_DUMP_INTR) !== 0) interrupted = true;
      if (message.type === NLMSG_ERROR) throw refuse({ index: 0, seq: message.seq, ...readVerdict(message) }, 1);
      if (message.type !== NLMSG_DONE) continue;
      const errno = -readI32(message.payload);
      if (errno > 0 && errno !== libc.EINTR) throw refuse({ index: 0, seq: message.seq, errno, extack: '' }, 1);
      if (!interrupted && errno === 0) datagrams.push(bytes);
      return interrupted || errno !== 0 ? undefined : datagrams;
    }
    datagrams.push(bytes);
  }
}

/** Takes over a socket that openNetlink made, as a worker does with one that it is handed. One thread at a time. */
export function adoptNetlink(fd: number): Netlink {
  const into = spareBuffers.pop() ?? new Uint8Array(RECEIVE_BYTES);
  let portId = 0;

  function tryRequest(writer: MessageWriter, expectedAcks: number, onMessage?: OnMessage): readonly Refusal[] {
    send(fd, writer);
    const answers = collect({ fd, into }, writer, expectedAcks, onMessage);
    portId = answers.portId ?? portId;
    return answers.refusals;
  }

  return {
    fd,
    get portId() {
      return portId;
    },
    tryRequest,
    request(writer, expectedAcks, onMessage) {
      const [first] = tryRequest(writer, expectedAcks, onMessage);
      if (first !== undefined) throw refuse(first, writer.count);
    },
    dump(writer, onMessage) {
      for (let attempt = 0; attempt < MAX_DUMP_ATTEMPTS; attempt++) {
        const datagrams = tryDump({ fd, into }, writer);
        if (datagrams === undefined) continue;
        for (const bytes of datagrams)
          for (const message of readMessages(bytes))
            if (message.seq === writer.firstSeq && message.type !== NLMSG_DONE)
              onMessage(message.type, message.payload);
        return;
      }
      throw new OcicatError('kernel', `netlink dump: interrupted ${MAX_DUMP_ATTEMPTS} times`, { errno: libc.EINTR });
    },
    close() {
      libc.close(fd);
      spareBuffers.push(into);
    },
  };
}
