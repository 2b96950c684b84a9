// gRPC's length-prefixed messages (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
import { OcicatError } from '../../base/errors.ts';

/** A zero byte (not compressed) and four bytes of length. */
const PREFIX_BYTES = 5;

/** Far above the largest page or watch answer (a page aims at 4 MB); stops a peer that is no etcd. */
const MAX_MESSAGE_BYTES = 512 * 1024 * 1024;

export function frameMessage(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

export interface Deframer {
  /** Takes what arrived and returns the messages that are now whole. Throws `corrupt` when it is no gRPC. */
  push(chunk: Buffer): readonly Buffer[];
}

function readLength(prefix: Buffer): number {
  const length = prefix.readUInt32BE(1);
  if (prefix[0] !== 0) throw new OcicatError('corrupt', 'read answer: it is compressed or no gRPC message');
  if (length > MAX_MESSAGE_BYTES)
    throw new OcicatError('corrupt', `read answer: ${length} bytes, at most ${MAX_MESSAGE_BYTES} are taken`);
  return length;
}

/**
 * Keeps the chunks of an unfinished message apart and joins them once: joining at every arrival would copy an 18 MB
 * answer a thousand times.
 */
export function createDeframer(): Deframer {
  let chunks: Buffer[] = [];
  let held = 0;
  let needed = PREFIX_BYTES;

  function takeJoined(): Buffer {
    const [only] = chunks;
    const joined = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, held);
    chunks = [];
    held = 0;
    return joined;
  }

  return {
    push(chunk) {
      chunks.push(chunk);
      held += chunk.length;
      if (held < needed) return [];
      let rest = takeJoined();
      const messages: Buffer[] = [];
      needed = PREFIX_BYTES;
      while (rest.length >= PREFIX_BYTES) {
        const end = PREFIX_BYTES + readLength(rest);
        if (rest.length < end) {
          needed = end;
          break;
        }
        messages.push(rest.subarray(PREFIX_BYTES, end));
        rest = rest.subarray(end);
      }
      if (rest.length > 0) chunks.push(rest);
      held = rest.length;
      return messages;
    },
  };
}
