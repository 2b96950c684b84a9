// The host's root directory: an agent that runs as a pod of the fly flavour has another one, and shares the host's processes.
import { type Stats, statSync } from 'node:fs';

const ROOT_OF_FIRST = '/proc/1/root';

function tryStat(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined; // a first process that is not ours to look at is no host's
  }
}

/** Path of the host's root from here; empty where it is ours. */
export function findHostRoot(): string {
  const [own, first] = [tryStat('/'), tryStat(`${ROOT_OF_FIRST}/`)];
  const isOwn = first === undefined || (own?.dev === first.dev && own.ino === first.ino);
  return isOwn ? '' : ROOT_OF_FIRST;
}
