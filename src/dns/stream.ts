// Messages of DNS on a connection: each behind its length in two bytes (RFC 1035, section 4.2.2).

const LENGTH_BYTES = 2;

export function frame(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(LENGTH_BYTES + message.length);
  framed[0] = message.length >> 8;
  framed[1] = message.length & 0xff;
  framed.set(message, LENGTH_BYTES);
  return framed;
}

/** Takes the bytes of a connection as they come; false: a message is longer than was allowed, and nothing more is to be read. */
export type MessageReader = (bytes: Uint8Array) => boolean;

/** `take` gets each message when it is whole. */
export function readMessages(maxBytes: number, take: (message: Uint8Array) => void): MessageReader {
  let rest: Uint8Array = new Uint8Array();
  return (bytes) => {
    let all = new Uint8Array(rest.length + bytes.length);
    all.set(rest);
    all.set(bytes, rest.length);
    while (all.length >= LENGTH_BYTES) {
      const length = ((all[0] ?? 0) << 8) | (all[1] ?? 0);
      if (length > maxBytes) return false;
      if (all.length < LENGTH_BYTES + length) break;
      take(all.slice(LENGTH_BYTES, LENGTH_BYTES + length));
      all = all.slice(LENGTH_BYTES + length);
    }
    rest = all;
    return true;
  };
}
