// One connection of the server: one request within its bounds, one answer, and an end by a deadline whatever the other does.
import type { Socket } from 'node:net';
import {
  type HttpAnswer,
  type HttpRequest,
  parseHead,
  printAnswer,
  type RequestHead,
  textAnswer,
} from './http-message.ts';

export interface ConnectionBounds {
  readonly headBytes: number;
  readonly bodyBytes: number;
  /** From the connection's begin to the last byte of the answer. */
  readonly wholeMs: number;
}

/** How long, and how much, a client may go on sending that has its answer; closed at once, it might not get to read it. */
const LINGER_MS = 500;
const LINGER_BYTES = 1 << 20;

const HEAD_END = '\r\n\r\n';

/** What has come is enough for an answer, or not yet. */
type Progress =
  | { readonly kind: 'more' }
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'whole'; readonly request: HttpRequest };

const MORE: Progress = { kind: 'more' };

/** Collects a request from its pieces. */
function createReader(bounds: ConnectionBounds, onContinue: () => void): (chunk: Buffer) => Progress {
  const chunks: Buffer[] = [];
  let length = 0;
  let head: RequestHead | undefined;

  /** At most the bytes of a head are looked at again with each piece. */
  function readHead(): Progress {
    const all = Buffer.concat(chunks);
    const end = all.indexOf(HEAD_END);
    if (end < 0) return all.length > bounds.headBytes ? { kind: 'refused', status: 431 } : MORE;
    if (end > bounds.headBytes) return { kind: 'refused', status: 431 };
    const parsed = parseHead(all.toString('latin1', 0, end));
    if (typeof parsed === 'number') return { kind: 'refused', status: parsed };
    if (parsed.bodyBytes > bounds.bodyBytes) return { kind: 'refused', status: 413 };
    head = parsed;
    const rest = all.subarray(end + HEAD_END.length);
    chunks.splice(0, chunks.length, rest);
    length = rest.length;
    if (parsed.expectsContinue && length < parsed.bodyBytes) onContinue();
    return MORE;
  }

  return (chunk) => {
    chunks.push(chunk);
    length += chunk.length;
    const refused = head === undefined ? readHead() : MORE;
    if (refused.kind !== 'more' || head === undefined || length < head.bodyBytes) return refused;
    return { kind: 'whole', request: { ...head, body: Buffer.concat(chunks).subarray(0, head.bodyBytes) } };
  };
}

/** Sends the answer and ends the connection, a moment after the last byte is on its way. */
function finish(socket: Socket, answer: HttpAnswer): void {
  let late = 0;
  socket.on('data', (chunk: Buffer) => {
    late += chunk.length;
    if (late > LINGER_BYTES) socket.destroy();
  });
  socket.end(printAnswer(answer), () => {
    const linger = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.on('close', () => clearTimeout(linger));
  });
}

/** Answers the one request that comes. */
export function serveConnection(
  socket: Socket,
  bounds: ConnectionBounds,
  answer: (request: HttpRequest) => HttpAnswer,
): void {
  const read = createReader(bounds, () => socket.write('HTTP/1.1 100 Continue\r\n\r\n'));
  const deadline = setTimeout(() => socket.destroy(), bounds.wholeMs);
  socket.on('close', () => clearTimeout(deadline));
  socket.on('error', () => socket.destroy());
  const take = (chunk: Buffer): void => {
    const progress = read(chunk);
    if (progress.kind === 'more') return;
    socket.off('data', take);
    finish(socket, progress.kind === 'whole' ? answer(progress.request) : textAnswer(progress.status));
  };
  socket.on('data', take);
}
