// One agent a host: a lock on a file that is held as long as the process lives, in which it says who it is. The folder is
// shared by all that run the agent, as pods too, and root's.
import { ftruncateSync, mkdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { tryOpenExclusiveLock } from '../../sys/lock.ts';

const NAME = 'calico-node.lock';

type Environment = Readonly<Record<string, string | undefined>>;

function parentName(): string {
  try {
    return readFileSync(`/proc/${process.ppid}/comm`, 'utf8').trim();
  } catch {
    return 'a process that has ended';
  }
}

/** Whoever starts agents says so in the environment; the unit and `calicoctl node run` do. */
function describeStart({ CALICO_STARTED_BY: starter, AC_APP_NAME: app }: Environment): string {
  if (starter !== undefined && /^[ -~]{1,100}$/.test(starter)) return starter;
  return app === undefined ? parentName() : 'rkt, in a pod';
}

/** The lock holds without a text too: a full disk is no reason not to start. */
function writeHolder(fd: number, text: string): void {
  try {
    ftruncateSync(fd);
    writeSync(fd, text);
  } catch {
    // the next one learns that there is somebody
  }
}

/**
 * Held until the process ends, however it does; undefined then. When another agent has it: which process that is, and who
 * started it. `calicoctl node run` reads the file too.
 */
export function takeHostLock(runDirectory: string, environment: Environment): string | undefined {
  mkdirSync(runDirectory, { recursive: true });
  const path = join(runDirectory, NAME);
  const lock = tryOpenExclusiveLock(path);
  if (lock === undefined) {
    return readFileSync(path, 'utf8').trim().replace('\n', ', ') || 'which could not write down its number';
  }
  writeHolder(lock.fd, `process ${process.pid}\nstarted by ${describeStart(environment)}\n`);
  return undefined;
}
