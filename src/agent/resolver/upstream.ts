// One question to one name server, and its answer: from a port of its own that the kernel chooses, by UDP or TCP.
import { OcicatError } from '../../base/errors.ts';
import { answers } from '../../dns/forwarded.ts';
import { frame, type MessageReader, readMessages } from '../../dns/stream.ts';
import { formatIp, type Ip, isIpv4 } from '../../net/ip.ts';
import { DNS_PORT } from '../../net/resolver-address.ts';

/** What two bytes can say. */
const MAX_BYTES = 0xffff;

export type Transport = 'udp' | 'tcp';

/** Resolves with what answers the message. Throws when the server cannot be reached, or `signal` fires first. */
export type Exchange = (
  server: Ip,
  message: Uint8Array,
  transport: Transport,
  signal: AbortSignal,
) => Promise<Uint8Array>;

type Outcome = ReturnType<typeof Promise.withResolvers<Uint8Array>>;

function fail(outcome: Outcome, server: Ip, why: string): void {
  outcome.reject(new OcicatError('unavailable', `ask name server ${formatIp(server)}: ${why}`));
}

/** The socket takes packets of this server alone; what does not answer the question is somebody's guess. */
async function askByUdp(server: Ip, message: Uint8Array, outcome: Outcome): Promise<() => void> {
  const socket = await Bun.udpSocket({
    hostname: isIpv4(server) ? '0.0.0.0' : '::',
    connect: { hostname: formatIp(server), port: DNS_PORT },
    socket: {
      data(_socket, answer) {
        if (answers(answer, message)) outcome.resolve(Uint8Array.from(answer));
      },
      error: () => fail(outcome, server, 'it cannot be reached'),
    },
  });
  socket.send(message);
  return () => socket.close();
}

async function askByTcp(server: Ip, message: Uint8Array, outcome: Outcome): Promise<() => void> {
  const read: MessageReader = readMessages(MAX_BYTES, (answer) => {
    if (answers(answer, message)) outcome.resolve(answer);
    else fail(outcome, server, 'it answers something else');
  });
  const socket = await Bun.connect({
    hostname: formatIp(server),
    port: DNS_PORT,
    socket: {
      data: (_socket, bytes) => void read(bytes),
      close: () => fail(outcome, server, 'it ends the connection'),
      error: () => fail(outcome, server, 'it cannot be reached'),
    },
  });
  socket.write(frame(message));
  return () => socket.terminate();
}

export const exchange: Exchange = async (server, message, transport, signal) => {
  const outcome: Outcome = Promise.withResolvers<Uint8Array>();
  outcome.promise.catch(() => undefined); // it may fail before anybody waits for it
  const giveUp = () => fail(outcome, server, 'no answer');
  signal.addEventListener('abort', giveUp);
  const opened = transport === 'udp' ? askByUdp(server, message, outcome) : askByTcp(server, message, outcome);
  opened.then(
    (close) => void outcome.promise.then(close, close),
    (error: unknown) => outcome.reject(error),
  );
  try {
    return await outcome.promise;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
};
