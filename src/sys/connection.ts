// What the kernel knows of a connection that Bun has accepted.
import type { Socket } from 'node:net';
import { OcicatError } from '../base/errors.ts';

/** The connection's descriptor: Bun keeps it where Node does, and types it nowhere. Throws `internal` without one. */
export function descriptorOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  if (typeof fd === 'number' && fd >= 0) return fd;
  throw new OcicatError('internal', 'the connection has no descriptor');
}
