// The metadata service: two servers, one for pods and one for root, over what is registered.
import { mkdirSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { describeError, OcicatError } from '../base/errors.ts';
import { descriptorOf } from '../sys/connection.ts';
import * as libc from '../sys/libc.ts';
import { type HeldLock, tryLockDirectory } from '../sys/lock.ts';
import { API_PATH, REGISTRATIONS_DIR } from './address.ts';
import { createConnectionLimiter } from './connection-limiter.ts';
import { type ConnectionBounds, serveConnection } from './http-connection.ts';
import { type HttpAnswer, type HttpRequest, textAnswer } from './http-message.ts';
import { ensureKey } from './identity.ts';
import { listenForPods, listenForRegistrations, takeInherited } from './listeners.ts';
import { answerPod } from './pod-api.ts';
import { answerRegistration } from './registration-api.ts';
import { openRegistry, type Registry } from './registry.ts';
import { createRequestLog, type RequestLog } from './request-log.ts';

export interface ServiceSetting {
  readonly port: number;
  /** File of the key for signatures. */
  readonly keyPath: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether a pod's directory is held by whoever runs it. */
  readonly isHeld: (podPath: string) => boolean;
  readonly writeLine: (line: string) => void;
}

/** A pod asks little; what it signs is a digest or a message, not a file. */
const POD_BOUNDS: ConnectionBounds = { headBytes: 8 << 10, bodyBytes: 64 << 10, wholeMs: 10_000 };
const POD_CONNECTIONS = { ofOne: 8, ofAll: 1024, perSecond: 20, burstSeconds: 3 };
/** A manifest holds the environment and the command line of each app. */
const ROOT_BOUNDS: ConnectionBounds = { headBytes: 8 << 10, bodyBytes: 1 << 20, wholeMs: 30_000 };
const ROOT_CONNECTIONS = { ofOne: 64, ofAll: 64, perSecond: 1000, burstSeconds: 1 };
const SWEEP_MS = 60_000;

/** The service's directory, locked: nobody else uses what is in it meanwhile. */
function lockRegistrations(): HeldLock {
  mkdirSync(REGISTRATIONS_DIR, { recursive: true, mode: 0o700 });
  const lock = tryLockDirectory(REGISTRATIONS_DIR);
  if (lock !== undefined) return lock;
  throw new OcicatError('already-exists', 'a metadata service is running on this host already');
}

interface Serving {
  readonly writeLine: (line: string) => void;
  readonly registry: Registry;
  readonly key: Uint8Array;
  readonly log: RequestLog;
  /** Connections; whoever closes the service closes them. */
  readonly open: Set<Socket>;
}

function keep({ open }: Serving, socket: Socket, release: () => void): void {
  open.add(socket);
  socket.on('close', () => {
    open.delete(socket);
    release();
  });
}

/** No failure of a request ends the service. */
function catchFailure(writeLine: Serving['writeLine'], answer: () => HttpAnswer): HttpAnswer {
  try {
    return answer();
  } catch (error) {
    writeLine(`answer a request: ${describeError(error)}`);
    return textAnswer(500);
  }
}

/** The token is checked with the address that the pod was registered with: neither is worth anything alone. */
function answerAt({ registry, key, log }: Serving, address: string, request: HttpRequest): HttpAnswer {
  const [token = '', ...path] = request.segments;
  const pod = registry.tryFind(address, token);
  const [interfaceName, version, ...asked] = path;
  const isApi = `${interfaceName}/${version}` === API_PATH;
  const answer = pod === undefined ? textAnswer(401) : isApi ? answerPod(pod, key, asked, request) : textAnswer(404);
  log.add(request, pod === undefined ? '' : `/${path.join('/')}`, answer.status, pod?.uuid ?? address);
  return answer;
}

/** Who is not registered is not read at all; who is has so many connections at a time. */
function createPodServer(serving: Serving): Server {
  const limiter = createConnectionLimiter(POD_CONNECTIONS);
  return createServer((socket: Socket) => {
    const address = socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
    const release = serving.registry.hasAddress(address) ? limiter.tryAcquire(address) : undefined;
    if (release === undefined) return void socket.destroy();
    keep(serving, socket, release);
    serveConnection(socket, POD_BOUNDS, (request) =>
      catchFailure(serving.writeLine, () => answerAt(serving, address, request)),
    );
  });
}

function createRootServer(serving: Serving): Server {
  const { registry, log } = serving;
  const limiter = createConnectionLimiter(ROOT_CONNECTIONS);
  return createServer((socket: Socket) => {
    const { uid } = libc.peerCredentials(descriptorOf(socket));
    const release = uid === 0 ? limiter.tryAcquire('') : undefined;
    if (release === undefined) return void socket.destroy();
    keep(serving, socket, release);
    serveConnection(socket, ROOT_BOUNDS, (request) => {
      const answer = catchFailure(serving.writeLine, () => answerRegistration(registry, request));
      log.add(request, `/${request.segments.join('/')}`, answer.status, 'root');
      return answer;
    });
  });
}

/** Serves until the signal fires. Throws `already-exists`, `unavailable` and what a broken key throws. */
export async function runService(setting: ServiceSetting, stop: AbortSignal): Promise<void> {
  const { writeLine, isHeld } = setting;
  const inherited = takeInherited(setting.environment);
  const key = ensureKey(setting.keyPath);
  const lock = lockRegistrations();
  const registry = openRegistry({ directory: REGISTRATIONS_DIR, isHeld, warn: writeLine });
  const serving: Serving = { registry, key, log: createRequestLog(writeLine), writeLine, open: new Set() };
  const servers = [createPodServer(serving), createRootServer(serving)] as const;
  const sweeping = setInterval(registry.sweep, SWEEP_MS);
  let removeSocket = (): void => {};
  try {
    await listenForPods(servers[0], inherited.pods, setting.port);
    removeSocket = await listenForRegistrations(servers[1], inherited.registrations);
    writeLine('metadata service running...');
    await new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      else stop.addEventListener('abort', () => resolve(), { once: true });
    });
    writeLine('metadata service exiting...');
  } finally {
    removeSocket();
    clearInterval(sweeping);
    for (const server of servers) server.close();
    for (const socket of serving.open) socket.destroy();
    lock.close();
  }
}
