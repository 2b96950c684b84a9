// A TCP connect-request-response loop that costs little beside the kernel's part: `crr-inside.ts serve PORT` answers each connection's byte
// with a byte, `crr-inside.ts run ADDRESS PORT SECONDS` makes one connection after the other and prints how many a second.
import { dlopen, ptr } from 'bun:ffi';

const { symbols: libc } = dlopen('libc.so.6', {
  socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
  setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
  bind: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
  listen: { args: ['i32', 'i32'], returns: 'i32' },
  accept: { args: ['i32', 'ptr', 'ptr'], returns: 'i32' },
  connect: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
  send: { args: ['i32', 'ptr', 'u64', 'i32'], returns: 'i64' },
  recv: { args: ['i32', 'ptr', 'u64', 'i32'], returns: 'i64' },
  close: { args: ['i32'], returns: 'i32' },
});

const [AF_INET, SOCK_STREAM, SOL_SOCKET] = [2, 1, 1];
const [SO_REUSEADDR, SO_LINGER, SO_RCVTIMEO] = [2, 13, 20];
const BACKLOG = 128;
const RECEIVE_TIMEOUT_S = 5;
const byte = new Uint8Array(1);

function must(result: number | bigint, what: string): number {
  if (result < 0) throw new Error(`${what}: failed`);
  return Number(result);
}

/** struct sockaddr_in of ip(7). */
function socketAddress(address: string, port: number): Uint8Array {
  const parts = address.split('.').map(Number);
  return new Uint8Array([AF_INET, 0, port >> 8, port & 255, ...parts, 0, 0, 0, 0, 0, 0, 0, 0]);
}

function openSocket(option: number, words: Uint8Array): number {
  const fd = must(libc.socket(AF_INET, SOCK_STREAM, 0), 'socket');
  must(libc.setsockopt(fd, SOL_SOCKET, option, ptr(words), words.length), 'setsockopt');
  return fd;
}

function serve(port: number): void {
  const fd = openSocket(SO_REUSEADDR, new Uint8Array(new Int32Array([1]).buffer));
  const own = socketAddress('0.0.0.0', port);
  must(libc.bind(fd, ptr(own), own.length), 'bind');
  must(libc.listen(fd, BACKLOG), 'listen');
  for (;;) {
    const connection = must(libc.accept(fd, null, null), 'accept');
    if (libc.recv(connection, ptr(byte), 1, 0) === 1n) libc.send(connection, ptr(byte), 1, 0);
    libc.recv(connection, ptr(byte), 1, 0); // until the client has closed
    libc.close(connection);
  }
}

/** Closed by a reset, so that no port of the client waits (socket(7), SO_LINGER). */
function converse(to: Uint8Array): void {
  const fd = openSocket(SO_LINGER, new Uint8Array(new Int32Array([1, 0]).buffer));
  const timeout = new Uint8Array(new BigInt64Array([BigInt(RECEIVE_TIMEOUT_S), 0n]).buffer);
  must(libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, ptr(timeout), timeout.length), 'setsockopt');
  must(libc.connect(fd, ptr(to), to.length), 'connect');
  must(libc.send(fd, ptr(byte), 1, 0), 'send');
  if (libc.recv(fd, ptr(byte), 1, 0) !== 1n) throw new Error('recv: no answer');
  libc.close(fd);
}

function run(address: string, port: number, seconds: number): number {
  const to = socketAddress(address, port);
  const startedAt = Bun.nanoseconds();
  const endsAt = startedAt + seconds * 1e9;
  let count = 0;
  for (; Bun.nanoseconds() < endsAt; count++) converse(to);
  return count / ((Bun.nanoseconds() - startedAt) / 1e9);
}

const [what, first = '', second = '', third = ''] = process.argv.slice(2);
if (what === 'serve') serve(Number(first));
else console.log(run(first, Number(second), Number(third)));
