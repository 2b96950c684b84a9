// A socket that the plugins' shim talks to: only root may, and the caller's network namespace comes as a descriptor
// that is copied out of the caller, so that neither side needs to see the other's mounts.
import { chmodSync, mkdirSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import { descriptorOf } from '../sys/connection.ts';
import { close, errnoName, peerCredentials, pidfdGetfd, pidfdOpen } from '../sys/libc.ts';
import type { Log } from '../sys/log.ts';
import { type Admission, createAdmissionControl, DEFAULT_LIMITS, fullError, type ShimLimits } from './admission.ts';
import {
  MAX_REQUEST_BYTES,
  type NetnsOffer,
  parseWireRequest,
  printWireAnswer,
  type ShimAnswer,
  type ShimCall,
} from './wire.ts';

/** linux/magic.h: the file system of namespaces. */
const NSFS_MAGIC = 0x6e736673;

/** Callers that were connected when the socket's name went are taken in meanwhile; a closed listener would cut them off. */
const ACCEPT_MS = 20;
/** A call takes milliseconds; one that waits for something is aborted after this. */
const FINISH_MS = 3_000;

/** The network namespace of a call, open while it is served. */
export type Netns =
  /** Whoever calls has named none. */
  | { readonly kind: 'none' }
  | { readonly kind: 'open'; readonly fd: number }
  | { readonly kind: 'unusable'; readonly reason: string };

/** Who answers the calls, in the words of whoever makes them. */
export interface ShimProtocol {
  /** Never throws. The namespace stays the server's, and is open until the answer is there. */
  answer(call: ShimCall, netns: Netns): Promise<ShimAnswer>;
  /** For a call that has not come so far that it could be answered. */
  refuse(error: unknown): ShimAnswer;
}

export interface ShimServer<P extends ShimProtocol = ShimProtocol> {
  readonly protocol: P;
  /** Takes no more calls, lets running ones finish or tells them to stop, and waits until they are answered. */
  close(): Promise<void>;
}

export interface ShimServerOptions {
  readonly path: string;
  readonly limits?: ShimLimits | undefined;
  readonly log: Log;
}

/**
 * The whole request. Without an admission it is read to its end and refused: a caller whose request is not read does not hear
 * the answer.
 */
function receive(socket: Socket, admission: Admission | undefined, timeoutMs: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const end = (error: unknown) => {
      clearTimeout(timer);
      chunks.length = 0;
      reject(error);
    };
    const fail = (message: string) => end(new OcicatError('invalid', `read request: ${message}`));
    const timer = setTimeout(() => fail('it did not come to its end in time'), timeoutMs);
    socket.on('data', (chunk: Uint8Array) => {
      length += chunk.length;
      if (length > MAX_REQUEST_BYTES) return fail(`more than ${MAX_REQUEST_BYTES} bytes`);
      try {
        admission?.add(chunk.length);
        if (admission !== undefined) chunks.push(chunk);
      } catch (error) {
        end(error);
      }
    });
    socket.on('end', () => {
      clearTimeout(timer);
      if (admission === undefined) reject(fullError());
      else resolve(Buffer.concat(chunks));
    });
    socket.on('close', () => fail('the caller has gone'));
  });
}

/** An own copy of the caller's descriptor. */
function copyDescriptor(pid: number, fd: number): number {
  const pidfd = pidfdOpen(pid);
  try {
    return pidfdGetfd(pidfd, fd);
  } finally {
    close(pidfd);
  }
}

/** What keeps a descriptor from being a container's network namespace; undefined when nothing does. */
function whyUnusable(fd: number): string | undefined {
  const path = `/proc/self/fd/${fd}`;
  if (statfsSync(path).type !== NSFS_MAGIC) return 'it is not a namespace';
  const isHost = statSync(path).ino === statSync('/proc/thread-self/ns/net').ino;
  return isHost ? "it is the host's own" : undefined;
}

/** Throws `invalid` for a descriptor that is not another network namespace than the host's. */
function takeNetns(pid: number, fd: number): number {
  const copy = copyDescriptor(pid, fd);
  try {
    const reason = whyUnusable(copy);
    if (reason !== undefined) throw new OcicatError('invalid', reason);
    return copy;
  } catch (error) {
    close(copy);
    throw error;
  }
}

function openNetns(pid: number, offer: NetnsOffer): Netns {
  switch (offer.kind) {
    case 'none':
      return { kind: 'none' };
    case 'failed':
      return { kind: 'unusable', reason: errnoName(offer.errno) };
    case 'descriptor':
      try {
        return { kind: 'open', fd: takeNetns(pid, offer.fd) };
      } catch (error) {
        if (!(error instanceof OcicatError)) throw error;
        return { kind: 'unusable', reason: error.message };
      }
  }
}

async function serve(
  protocol: ShimProtocol,
  socket: Socket,
  admission: Admission | undefined,
  timeoutMs: number,
): Promise<ShimAnswer> {
  const { pid, uid } = peerCredentials(descriptorOf(socket));
  if (uid !== 0) throw new OcicatError('denied', `serve call: the caller is user ${uid}, wanted root`);
  const { call, netns: offer } = parseWireRequest(await receive(socket, admission, timeoutMs));
  const netns = openNetns(pid, offer);
  try {
    return await protocol.answer(call, netns);
  } finally {
    if (netns.kind === 'open') close(netns.fd);
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(new OcicatError('unavailable', `listen on "${path}": refused`, { cause })));
    server.listen(path, resolve);
  });
}

/** Returns when the caller has it, has gone, or has not taken it in time. */
function sendAnswer(socket: Socket, answer: ShimAnswer, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.end(printWireAnswer(answer));
  });
}

/**
 * Listens beside the path and moves the socket into place: there is no moment at which others than root could connect,
 * and a socket that a killed agent left is replaced. Calls that are not done when the signal aborts are abandoned.
 * Throws `unavailable`.
 */
export async function openShimServer<P extends ShimProtocol>(
  { path, limits = DEFAULT_LIMITS, log }: ShimServerOptions,
  createProtocol: (signal: AbortSignal) => P,
): Promise<ShimServer<P>> {
  const stopping = new AbortController();
  const admissions = createAdmissionControl(limits);
  const protocol = createProtocol(stopping.signal);
  const running = new Set<Promise<void>>();

  async function answerTo(socket: Socket): Promise<ShimAnswer> {
    const admission = admissions.tryEnter();
    try {
      return await serve(protocol, socket, admission, limits.timeoutMs);
    } catch (error) {
      log.warn(`a call by "${path}" failed`, error);
      return protocol.refuse(error);
    } finally {
      admission?.release();
    }
  }

  async function handle(socket: Socket): Promise<void> {
    socket.on('error', () => undefined); // a caller that has gone is noticed when it is answered
    await sendAnswer(socket, await answerTo(socket), limits.timeoutMs);
  }

  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const work: Promise<void> = handle(socket).finally(() => running.delete(work));
    running.add(work);
  });
  mkdirSync(dirname(path), { recursive: true });
  rmSync(`${path}.new`, { force: true });
  await listen(server, `${path}.new`);
  chmodSync(`${path}.new`, 0o600);
  renameSync(`${path}.new`, path);
  const { ino } = statSync(path);

  return {
    protocol,
    async close() {
      // the next agent may have put its own socket there
      if (statSync(path, { throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true });
      await Bun.sleep(ACCEPT_MS);
      server.close();
      const timer = setTimeout(() => stopping.abort(new OcicatError('aborted', 'the agent is stopping')), FINISH_MS);
      await Promise.all(running);
      clearTimeout(timer);
    },
  };
}
