// The resolver's ear for datagrams, at one address.
import type { udp } from 'bun';
import { formatIp, type Ip, tryParseIp } from '../../net/ip.ts';
import { DNS_PORT } from '../../net/resolver-address.ts';
import type { Responder } from './responder.ts';

export interface Listener {
  close(): void;
}

/** Whoever has asked may be gone, and so may the socket. */
function trySend(socket: udp.Socket<'uint8array' | 'buffer'>, answer: Uint8Array, port: number, to: string): void {
  try {
    socket.send(answer, port, to);
  } catch {
    // it is asked again, if anybody waits for it
  }
}

/** Throws when the port cannot be had. What the kernel does not take is lost, as packets are: it is asked for again. */
export async function listenUdp(address: Ip, respond: Responder): Promise<Listener> {
  const socket = await Bun.udpSocket({
    hostname: formatIp(address),
    port: DNS_PORT,
    socket: {
      async data(self, message, port, from) {
        const asker = tryParseIp(from);
        const answer = asker === undefined ? undefined : await respond(Uint8Array.from(message), asker, 'udp');
        if (answer !== undefined) trySend(self, answer, port, from);
      },
      error: () => undefined, // somebody has gone before its answer came
    },
  });
  return { close: () => socket.close() };
}
