// The resolver's ear for connections, at one address: for answers that are too long for a datagram.
import type { Socket } from 'bun';
import { createFairShare, type Turn } from '../../dns/fair-share.ts';
import { frame, type MessageReader, readMessages } from '../../dns/stream.ts';
import { formatIp, type Ip, tryParseIp } from '../../net/ip.ts';
import { DNS_PORT } from '../../net/resolver-address.ts';
import type { Responder } from './responder.ts';
import type { Listener } from './udp-listener.ts';

const MAX_CONNECTIONS = 128;
const MAX_OF_ONE = 8;
const IDLE_SECONDS = 10;
/** Whoever sends questions faster than it takes answers waits in the network, and not in this process. */
const MAX_UNDER_WAY = 32;
const MAX_UNSENT_BYTES = 256 * 1024;
const MAX_QUESTION_BYTES = 4_096;

interface Connection {
  readonly from: Ip;
  readonly turn: Turn;
  readonly read: MessageReader;
  underWay: number;
  unsent: Uint8Array;
}

type OpenSocket = Socket<Connection | undefined>;

function send(socket: OpenSocket, connection: Connection, bytes: Uint8Array): void {
  const all = connection.unsent.length === 0 ? bytes : Buffer.concat([connection.unsent, bytes]);
  connection.unsent = Uint8Array.from(all.subarray(Math.max(0, socket.write(all))));
  if (connection.unsent.length > MAX_UNSENT_BYTES) socket.terminate();
}

/** Throws when the port cannot be had. */
export function listenTcp(address: Ip, respond: Responder): Listener {
  const turns = createFairShare<Ip>(MAX_CONNECTIONS, MAX_OF_ONE);

  async function take(socket: OpenSocket, connection: Connection, message: Uint8Array): Promise<void> {
    if (connection.underWay >= MAX_UNDER_WAY) return void socket.terminate();
    connection.underWay += 1;
    const answer = await respond(message, connection.from, 'tcp');
    connection.underWay -= 1;
    if (socket.data !== connection) return;
    if (answer === undefined) return void socket.terminate();
    send(socket, connection, frame(answer));
  }

  function open(socket: OpenSocket): void {
    const from = tryParseIp(socket.remoteAddress);
    const turn = from && turns.begin(from);
    if (from === undefined || turn === undefined) return void socket.terminate();
    turn.signal.addEventListener('abort', () => socket.terminate());
    const read = readMessages(MAX_QUESTION_BYTES, (message) => void take(socket, connection, message));
    const connection: Connection = { from, turn, read, underWay: 0, unsent: new Uint8Array() };
    socket.data = connection;
    socket.timeout(IDLE_SECONDS);
  }

  const server = Bun.listen<Connection | undefined>({
    hostname: formatIp(address),
    port: DNS_PORT,
    socket: {
      open,
      data(socket, bytes) {
        socket.timeout(IDLE_SECONDS);
        if (socket.data?.read(bytes) === false) socket.terminate();
      },
      drain(socket) {
        if (socket.data !== undefined) send(socket, socket.data, new Uint8Array());
      },
      timeout: (socket) => void socket.terminate(),
      close(socket) {
        socket.data?.turn.end();
        socket.data = undefined;
      },
      error: (socket) => void socket.terminate(),
    },
  });
  return { close: () => server.stop(true) };
}
