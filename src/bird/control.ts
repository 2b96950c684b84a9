// Speaks with BIRD over its control socket, as birdc does: numbered reply lines, the last one marked by a space.
import { type ErrorCode, OcicatError } from '../base/errors.ts';

export interface BirdLine {
  /** 0–999 done, 1000–1999 tables, 8000–9999 errors. */
  readonly code: number;
  readonly text: string;
}

/** A local program that answers from memory; Calico waits as long (Calico v3.33, node/pkg/status). */
const ANSWER_TIMEOUT_MS = 2000;
const FIRST_ERROR_CODE = 8000;

/** Reads reply lines until the one that ends a reply; a line that begins with a space continues the code before it. */
export function createReplyReader(): (line: string) => { readonly line: BirdLine; readonly last: boolean } {
  let code = 0;
  return (line) => {
    const match = /^(\d{4})([ -])(.*)$/.exec(line);
    if (match === null) return { line: { code, text: line.slice(1) }, last: false };
    code = Number(match[1]);
    return { line: { code, text: match[3] ?? '' }, last: match[2] === ' ' };
  };
}

/** Splits bytes into lines as they come. */
function createLineSplitter(onLine: (line: string) => void): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder();
  let rest = '';
  return (bytes) => {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
}

interface Exchange {
  readonly onLine: (line: string) => void;
  readonly reply: Promise<readonly BirdLine[]>;
  fail(why: string, cause?: unknown, code?: ErrorCode): void;
}

/** The greeting is a reply too; the command goes out after it, and its own reply is the second. */
function createExchange(send: () => void, socketPath: string): Exchange {
  const { promise, resolve, reject } = Promise.withResolvers<readonly BirdLine[]>();
  const read = createReplyReader();
  const lines: BirdLine[] = [];
  let greeted = false;
  return {
    reply: promise,
    fail: (why, cause, code = 'unavailable') =>
      reject(new OcicatError(code, `ask BIRD at "${socketPath}": ${why}`, { cause })),
    onLine(text) {
      const { line, last } = read(text);
      if (greeted) lines.push(line);
      if (last && greeted) resolve(lines);
      if (last && !greeted) {
        greeted = true;
        send();
      }
    },
  };
}

/**
 * Sends one command and returns the lines of its reply.
 * Throws `not-found` when nobody listens at the socket, `unavailable` when BIRD does not answer within two seconds, and
 * `invalid` with its message when it refuses the command.
 */
export async function askBird(socketPath: string, command: string, signal?: AbortSignal): Promise<readonly BirdLine[]> {
  signal?.throwIfAborted();
  let close = (): void => undefined;
  let send = (): void => undefined;
  const exchange = createExchange(() => send(), socketPath);
  const timer = setTimeout(() => exchange.fail(`no answer within ${ANSWER_TIMEOUT_MS} ms`), ANSWER_TIMEOUT_MS);
  const abort = () => exchange.fail('aborted', signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const onData = createLineSplitter(exchange.onLine);
  Bun.connect({
    unix: socketPath,
    socket: {
      open(socket) {
        close = () => socket.end();
        send = () => void socket.write(`${command}\n`);
      },
      data: (_socket, bytes) => onData(bytes),
      close: () => exchange.fail('it hung up'),
      error: (_socket, error) => exchange.fail('failed', error),
    },
  }).catch((error: unknown) => exchange.fail('nobody listens', error, 'not-found'));
  try {
    return checkReply(await exchange.reply, command);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    close();
  }
}

function checkReply(lines: readonly BirdLine[], command: string): readonly BirdLine[] {
  const refused = lines.filter(({ code }) => code >= FIRST_ERROR_CODE);
  if (refused.length === 0) return lines;
  throw new OcicatError('invalid', `BIRD command "${command}": ${refused.map(({ text }) => text).join(' ')}`);
}
