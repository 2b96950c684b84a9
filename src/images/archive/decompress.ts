// Undoes the compression of a layer, recognised by its magic number rather than by its media type.
import { Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { OcicatError } from '../../base/errors.ts';
import { describeErrno } from '../../sys/errno.ts';

const CHUNK_BYTES = 256 * 1024;

/**
 * gzip (also several members), zstd (also several frames) or plain bytes. Throws `corrupt` on broken input, and on a gzip that
 * is cut short; a zstd that is cut short just ends, and the digest of what came tells.
 */
export async function* decompress(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { head, rest } = await peek(chunks, 4);
  const transform = chooseTransform(head);
  if (transform === undefined) {
    yield* rest;
    return;
  }
  const source = Readable.from(rest);
  source.on('error', (error) => transform.destroy(error));
  try {
    yield* source.pipe(transform);
  } catch (cause) {
    if (cause instanceof OcicatError) throw cause;
    throw new OcicatError('corrupt', `decompress layer: ${describeErrno(cause)}`, { cause });
  } finally {
    source.destroy();
    transform.destroy();
  }
}

/** Magic numbers: RFC 1952 §2.3.1, RFC 8878 §3.1.1. */
function chooseTransform(head: Uint8Array): Transform | undefined {
  const [a, b, c, d] = head;
  if (a === 0x1f && b === 0x8b) return createGunzip({ chunkSize: CHUNK_BYTES });
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return createZstdDecompress({ chunkSize: CHUNK_BYTES });
  return undefined;
}

/** The first bytes, and the whole stream as if nothing had been taken from it. */
async function peek(
  chunks: AsyncIterable<Uint8Array>,
  length: number,
): Promise<{ readonly head: Uint8Array; readonly rest: AsyncIterable<Uint8Array> }> {
  const source = chunks[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < length) {
    const next = await source.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  async function* rest(): AsyncGenerator<Uint8Array> {
    if (head.length > 0) yield head;
    for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
  }
  return { head, rest: rest() };
}
