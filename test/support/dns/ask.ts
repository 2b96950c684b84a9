// Asks a name server, as a program that is started in a pod's network namespace: `ask.ts SERVER udp|tcp TYPE NAME… [edns=N]`. Prints a
// line for each name: what a stub makes of the answer, or why there is none.
import { frame, readMessages } from '../../../src/dns/stream.ts';
import { printQuery, show } from './messages.ts';

const [server = '', transport, type = 'A', ...words] = process.argv.slice(2);
const PORT = Number(process.env.DNS_PORT ?? 53);
const TIMEOUT_MS = Number(process.env.DNS_TIMEOUT_MS ?? 3_000);
const names = words.filter((word) => !word.startsWith('edns='));
const edns = words.find((word) => word.startsWith('edns='))?.slice(5);

function queryOf(name: string): Uint8Array {
  return printQuery(name, {
    type: type as 'A',
    id: crypto.getRandomValues(new Uint16Array(1))[0] ?? 0,
    ...(edns === undefined ? {} : { udpBytes: Number(edns) }),
  });
}

async function askByUdp(message: Uint8Array, take: (answer: Uint8Array) => void, fail: (why: string) => void) {
  const socket = await Bun.udpSocket({
    hostname: server.includes(':') ? '::' : '0.0.0.0',
    connect: { hostname: server, port: PORT },
    socket: { data: (_socket, answer) => take(answer), error: () => fail('refused') },
  });
  socket.send(message);
}

async function askByTcp(message: Uint8Array, take: (answer: Uint8Array) => void, fail: (why: string) => void) {
  const read = readMessages(0xffff, take);
  const socket = await Bun.connect({
    hostname: server,
    port: PORT,
    socket: {
      data: (_socket, bytes) => void read(bytes),
      close: () => fail('closed'),
      error: () => fail('refused'),
    },
  });
  socket.write(frame(message));
}

async function ask(name: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const asking = transport === 'tcp' ? askByTcp : askByUdp;
  const answered = (answer: Uint8Array) => resolve(show(answer));
  asking(queryOf(name), answered, resolve).catch((error: unknown) => resolve(String(error)));
  return Promise.race([promise, Bun.sleep(TIMEOUT_MS).then(() => 'no answer')]);
}

for (const name of names) process.stdout.write(`${await ask(name)}\n`);
process.exit(0);
