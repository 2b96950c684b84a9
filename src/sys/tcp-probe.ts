// Asks the kernel why a TCP connection cannot be made: Bun's sockets call nearly every such failure ECONNREFUSED.
import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isOcicatError } from '../base/errors.ts';
import { familyOf, type Ip, ipToBytes, parseIp } from '../net/ip.ts';
import { close, connect, errnoName, getsockopt, poll, socket } from './libc.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000;
const EINPROGRESS = 115;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const POLLOUT = 4;
const POLL_MS = 5;

/** struct sockaddr_in and sockaddr_in6, ip(7) and ipv6(7). */
function printAddress(address: Ip, port: number): Uint8Array {
  const isIpv4 = familyOf(address) === 4;
  const bytes = new Uint8Array(isIpv4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isIpv4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port);
  bytes.set(ipToBytes(address), isIpv4 ? 4 : 8);
  return bytes;
}

/** 0 once connected; undefined while it is under way. */
function begin(fd: number, address: Uint8Array): number | undefined {
  try {
    connect(fd, address);
    return 0;
  } catch (error) {
    if (!isOcicatError(error, 'kernel')) throw error;
    return error.errno === EINPROGRESS ? undefined : error.errno;
  }
}

function outcomeOf(fd: number): number {
  const errno = new Int32Array(1);
  getsockopt(fd, SOL_SOCKET, SO_ERROR, new Uint8Array(errno.buffer));
  return errno[0] ?? 0;
}

async function tryConnect(address: Ip, port: number, deadlineMs: number): Promise<number> {
  const fd = socket(familyOf(address) === 4 ? AF_INET : AF_INET6, SOCK_STREAM_NONBLOCK_CLOEXEC, 0);
  try {
    const atOnce = begin(fd, printAddress(address, port));
    if (atOnce !== undefined) return atOnce;
    while (poll(fd, POLLOUT, 0) === 0 && performance.now() < deadlineMs) await sleep(POLL_MS);
    return outcomeOf(fd);
  } finally {
    close(fd);
  }
}

/** The kernel's name for what is in the way, such as `EHOSTUNREACH`; undefined when nothing is, or nothing says so in time. */
export async function observeConnectError(host: string, port: number, timeoutMs: number): Promise<string | undefined> {
  const deadlineMs = performance.now() + timeoutMs;
  const { address } = await lookup(host);
  const errno = await tryConnect(parseIp(address), port, deadlineMs);
  return errno === 0 ? undefined : errnoName(errno);
}
