// Takes exact numbers of bytes out of a stream of chunks.

/** Returned pieces are valid until the next call. */
export interface ByteReader {
  /** Exactly `length` bytes; undefined when the stream ends before the first of them, a shorter array when it ends within. */
  take(length: number): Promise<Uint8Array | undefined>;
  /** One to `limit` bytes, as they come; undefined at the end. */
  takeSome(limit: number): Promise<Uint8Array | undefined>;
}

/** Reads from the stream on demand; nothing has to be closed. */
export function openByteReader(chunks: AsyncIterable<Uint8Array>): ByteReader {
  const source = chunks[Symbol.asyncIterator]();
  let pending: Uint8Array = new Uint8Array(0);

  async function takeSome(limit: number): Promise<Uint8Array | undefined> {
    while (pending.length === 0) {
      const next = await source.next();
      if (next.done === true) return undefined;
      pending = next.value;
    }
    const head = pending.subarray(0, limit);
    pending = pending.subarray(head.length);
    return head;
  }

  async function take(length: number): Promise<Uint8Array | undefined> {
    const first = await takeSome(length);
    if (first === undefined || first.length === length) return first;
    const parts = [first];
    for (let missing = length - first.length; missing > 0; ) {
      const part = await takeSome(missing);
      if (part === undefined) break;
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  return { take, takeSome };
}
