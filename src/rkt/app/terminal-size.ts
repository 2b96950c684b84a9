// The size of the caller's terminal, and how an app's own terminal follows it.
import { readdirSync, readlinkSync } from 'node:fs';
import { describeError } from '../../base/errors.ts';
import * as libc from '../../sys/libc.ts';
import { systemEnvironment, systemProgram } from '../../sys/programs.ts';

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** What a terminal has that does not tell its size, as a serial line. */
const USUAL: TerminalSize = { rows: 24, columns: 80 };

/** The size of the terminal that standard output, else standard error, is. */
export function observeTerminalSize(): TerminalSize {
  const terminal = [process.stdout, process.stderr].find(({ isTTY }) => isTTY);
  const [columns = 0, rows = 0] = terminal?.getWindowSize() ?? [];
  return columns > 0 && rows > 0 ? { rows, columns } : USUAL;
}

/** The master's end of a pseudo terminal that another process carries the bytes of; undefined while it has none. */
function tryTakeMaster(pid: number): number | undefined {
  const fds = readdirSync(`/proc/${pid}/fd`);
  const master = fds.find((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).endsWith('/ptmx'));
  if (master === undefined) return undefined;
  const pidfd = libc.pidfdOpen(pid);
  try {
    return libc.pidfdGetfd(pidfd, Number(master));
  } finally {
    libc.close(pidfd);
  }
}

/** Sets the size; the kernel tells the programs on the terminal (ioctl_tty(2), TIOCSWINSZ). */
async function resize(pid: number): Promise<void> {
  const master = tryTakeMaster(pid);
  if (master === undefined) return;
  try {
    const { rows, columns } = observeTerminalSize();
    const command = [systemProgram('stty'), 'rows', String(rows), 'columns', String(columns)];
    const stty = Bun.spawn(command, { env: systemEnvironment, cwd: '/', stdio: [master, 'ignore', 'ignore'] });
    await stty.exited;
  } finally {
    libc.close(master);
  }
}

/** Lets the terminal of an app, which `pid` carries the bytes of, follow the caller's. Returns what ends that. */
export function followTerminalSize(pid: number, warn: (line: string) => void): () => void {
  let last = Promise.resolve();
  // One after the other, each with the size that there is by then: the last one is right.
  const onResize = (): void => {
    last = last
      .then(() => resize(pid))
      .catch((error: unknown) => warn(`warning: resize the terminal: ${describeError(error)}`));
  };
  process.on('SIGWINCH', onResize);
  return () => process.off('SIGWINCH', onResize);
}
