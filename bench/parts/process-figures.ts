// What a running process costs: resident memory, and processor time over a while.
import { readFileSync } from 'node:fs';

export interface ProcessFigures {
  readonly residentMb: number;
  readonly cpuPercent: number;
}

const TICKS_PER_SECOND = 100;

export function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Processor time that it has had. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Watches for `seconds`; memory is read at the end. */
export async function observeProcess(pid: number, seconds: number): Promise<ProcessFigures> {
  const before = cpuSeconds(pid);
  await Bun.sleep(seconds * 1000);
  const cpuPercent = ((cpuSeconds(pid) - before) / seconds) * 100;
  return { residentMb: residentMb(pid), cpuPercent };
}

/** The one process whose executable's name is this; throws when there is none. */
export function findProcess(name: string): number {
  for (const entry of new Bun.Glob('*').scanSync({ cwd: '/proc', onlyFiles: false })) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const [program = ''] = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
      if (program.split('/').at(-1) === name) return Number(entry);
    } catch {
      // The process ended while we looked.
    }
  }
  throw new Error(`no process "${name}"`);
}
