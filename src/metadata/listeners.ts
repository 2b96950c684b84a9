// The two sockets of the service: made here, or inherited from systemd (sd_listen_fds(3)).
import { chmodSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import * as libc from '../sys/libc.ts';
import { METADATA_SOCKET } from './address.ts';

/** Descriptors by what speaks through them; undefined for one that is to be made. */
export interface Inherited {
  readonly registrations: number | undefined;
  readonly pods: number | undefined;
}

const FIRST_FD = 3;
const SOL_SOCKET = 1;
const SO_DOMAIN = 39;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;

function domainOf(fd: number): number {
  const value = new Uint8Array(4);
  libc.getsockopt(fd, SOL_SOCKET, SO_DOMAIN, value);
  return value[0] ?? 0;
}

function only(fds: readonly number[], what: string): number | undefined {
  if (fds.length < 2) return fds[0];
  throw new OcicatError('invalid', `take sockets from systemd: ${fds.length} ${what} sockets, wanted at most one`);
}

/** None when LISTEN_FDS is not for this process. Throws `invalid` for sockets that are of no use here. */
export function takeInherited(environment: Readonly<Record<string, string | undefined>>): Inherited {
  const { LISTEN_FDS = '0', LISTEN_PID } = environment;
  if (LISTEN_PID !== String(process.pid)) return { registrations: undefined, pods: undefined };
  if (!/^[1-9]\d{0,3}$/.test(LISTEN_FDS)) throw new OcicatError('invalid', `LISTEN_FDS "${LISTEN_FDS}": wanted 1 or 2`);
  const sockets = Array.from({ length: Number(LISTEN_FDS) }, (_, index) => FIRST_FD + index);
  const domains = new Map(sockets.map((fd) => [fd, domainOf(fd)]));
  const of = (...wanted: readonly number[]) => sockets.filter((fd) => wanted.includes(domains.get(fd) ?? 0));
  const inherited = { registrations: only(of(AF_UNIX), 'unix'), pods: only(of(AF_INET, AF_INET6), 'TCP') };
  if (of(AF_UNIX, AF_INET, AF_INET6).length === sockets.length) return inherited;
  throw new OcicatError('invalid', 'take sockets from systemd: one is neither a unix nor a TCP socket');
}

type Address = { readonly fd: number } | { readonly path: string } | { readonly host: string; readonly port: number };

async function listen(server: Server, address: Address, what: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(address, resolve);
  try {
    await promise;
  } catch (cause) {
    throw new OcicatError('unavailable', `listen on ${what}`, { cause });
  }
}

/** Every address of the host: the networks' come and go with their pods. */
export async function listenForPods(server: Server, fd: number | undefined, port: number): Promise<void> {
  await listen(server, fd === undefined ? { host: '0.0.0.0', port } : { fd }, `port ${port}`);
}

/** Nobody but root may connect, from the first moment on. Returns what removes the socket that was made here. */
export async function listenForRegistrations(server: Server, fd: number | undefined): Promise<() => void> {
  if (fd !== undefined) {
    await listen(server, { fd }, 'the socket of systemd');
    return () => {};
  }
  const temporary = `${METADATA_SOCKET}.new`;
  mkdirSync(dirname(METADATA_SOCKET), { recursive: true });
  rmSync(temporary, { force: true });
  await listen(server, { path: temporary }, `socket "${METADATA_SOCKET}"`);
  chmodSync(temporary, 0o600);
  renameSync(temporary, METADATA_SOCKET);
  return () => rmSync(METADATA_SOCKET, { force: true });
}
