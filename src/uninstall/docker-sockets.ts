// The sockets of Docker's plugins that an agent has left which was killed: Docker would wait for an answer at them.
import { lstatSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const NAMES = ['calico', 'calico-ipam'];

/** Another program's plugin may have the same name, and lives. */
async function isLeft(path: string): Promise<boolean> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return false;
  return Bun.connect({ unix: path, socket: { data: () => undefined } }).then(
    (socket) => {
      socket.end();
      return false;
    },
    () => true,
  );
}

/** Docker makes the folder anew when it needs it. */
export async function removeDockerSockets(folder = '/run/docker/plugins'): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const path of NAMES.map((name) => join(folder, `${name}.sock`))) {
    if (!(await isLeft(path))) continue;
    rmSync(path);
    removed.push(`removed ${path}`);
  }
  try {
    rmdirSync(folder);
  } catch {
    // it is not there, or others have sockets in it
  }
  return removed;
}
