// Which processes have a socket open, as /proc shows it: by its inode, whatever namespaces they are in.
import { readdirSync, readlinkSync } from 'node:fs';

function listOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it has ended meanwhile, or is a thread of the kernel
  }
}

function hasOpen(pid: number, target: string): boolean {
  const folder = `/proc/${pid}/fd`;
  return listOf(folder).some((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`) === target;
    } catch {
      return false;
    }
  });
}

/** Looks at every process: for messages and refusals, not for what is done often. */
export function observeSocketHolders(inode: number): readonly number[] {
  const pids = listOf('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return pids.filter((pid) => hasOpen(pid, `socket:[${inode}]`));
}
