// Messages of a netlink socket as they come, read on the main thread without blocking it.
import { ENOBUFS } from '../../sys/libc.ts';
import * as netlink from '../../sys/netlink.ts';

/** Hands every chunk on; ends when aborted. The stream works on a copy of the descriptor. Throws what reading throws. */
async function readChunks(fd: number, onChunk: (bytes: Uint8Array) => void, signal: AbortSignal): Promise<void> {
  const reader = Bun.file(fd).stream().getReader();
  const cancel = () => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', cancel, { once: true });
  try {
    while (!signal.aborted) {
      const { done, value } = await reader.read();
      if (done) return;
      onChunk(value);
    }
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

function isOverrun(error: unknown): boolean {
  return error instanceof Error && 'errno' in error && Math.abs(Number(error.errno)) === ENOBUFS;
}

/** Bytes that whole messages take up: less than all of them when a message was cut off. */
function wholeBytes(bytes: Uint8Array): number {
  let whole = 0;
  for (const message of netlink.readMessages(bytes)) whole += (16 + message.payload.length + 3) & ~3;
  return whole;
}

/** Until aborted; `onLost`: messages were lost. The socket must be non-blocking. Throws what reading throws. */
export async function readNetlinkStream(
  socket: netlink.Netlink,
  onMessage: (message: netlink.Message) => void,
  onLost: () => void,
  signal: AbortSignal,
): Promise<void> {
  const onChunk = (bytes: Uint8Array) => {
    for (const message of netlink.readMessages(bytes)) onMessage(message);
    if (wholeBytes(bytes) < bytes.length) onLost();
  };
  while (!signal.aborted) {
    try {
      await readChunks(socket.fd, onChunk, signal);
    } catch (error) {
      if (!isOverrun(error)) throw error;
      onLost();
    }
  }
}
