// Speaks with a WireGuard device of a program over its socket: one request, one answer.
import { existsSync, lstatSync, mkdirSync, readlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import type { DeviceControl } from './held-device.ts';
import { GET_REQUEST, parseGetAnswer, printSetRequest, refuseFailure } from './uapi-text.ts';

/** Where such programs listen, and where wg(8) looks for them. */
const DIRECTORY = '/var/run/wireguard';
/** Where the host sees that of agents which are pods: in their image DIRECTORY is a link to it. */
const SHARED_DIRECTORY = '/var/run/calico/wireguard';
const ANSWER_TIMEOUT_MS = 5_000;
const END = '\n\n';

export function socketPathOf(deviceName: string): string {
  return `${DIRECTORY}/${deviceName}.sock`;
}

/** As seen from the host, whatever its agent runs in. */
export function findSocket(deviceName: string): string {
  const shared = `${SHARED_DIRECTORY}/${deviceName}.sock`;
  return existsSync(shared) ? shared : socketPathOf(deviceName);
}

/** The directory may be a link, to one that agents share which are pods and have a root each. */
export function makeSocketDirectory(): void {
  const isLink = lstatSync(DIRECTORY, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  const target = isLink ? resolve(dirname(DIRECTORY), readlinkSync(DIRECTORY)) : DIRECTORY;
  mkdirSync(target, { recursive: true, mode: 0o755 });
}

/** Throws `not-found` when nobody listens, and `unavailable` when no answer comes. What was sent is in no message. */
async function ask(path: string, request: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const fail = (why: string, code: 'unavailable' | 'not-found' = 'unavailable') =>
    reject(new OcicatError(code, `ask WireGuard at "${path}": ${why}`));
  const timer = setTimeout(() => fail(`no answer within ${ANSWER_TIMEOUT_MS} ms`), ANSWER_TIMEOUT_MS);
  const decoder = new TextDecoder();
  let left: Uint8Array = new TextEncoder().encode(request);
  let answer = '';
  const push = (socket: Bun.Socket): void => {
    left = left.subarray(socket.write(left));
  };
  const connection = Bun.connect({
    unix: path,
    socket: {
      open: push,
      drain: push,
      data(_socket, bytes) {
        answer += decoder.decode(bytes, { stream: true });
        if (answer.endsWith(END)) resolve(answer);
      },
      close: () => fail('it hung up'),
      error: () => fail('failed'),
    },
  });
  connection.catch(() => fail('nobody listens', 'not-found'));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    void connection.then(
      (socket) => socket.end(),
      () => undefined,
    );
  }
}

export function createUapiControl(deviceName: string, path = socketPathOf(deviceName)): DeviceControl {
  return {
    read: async () => parseGetAnswer(await ask(path, GET_REQUEST)),
    write: async (change, privateKey) => refuseFailure(await ask(path, printSetRequest(change, privateKey))),
  };
}
