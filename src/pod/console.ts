// What apps print, line by line, as the pod's journal would show it: time, app and process id before every line.
import { closeSync, openSync, readSync } from 'node:fs';

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** A line that is longer is cut. Source: journald.conf(5), LineMax. */
const MAX_LINE_BYTES = 48 * 1024;

/** What a terminal would show of a line that was drawn several times: the text after the last carriage return. */
function lastDrawing(line: Uint8Array): Uint8Array {
  let end = line.length;
  while (end > 0 && line[end - 1] === RETURN) end -= 1;
  return line.subarray(line.lastIndexOf(RETURN, end - 1) + 1, end);
}

/** A meter that never ends its line must not fill the memory: all but its last drawing is dropped. */
function forgetDrawings(line: Buffer): Buffer {
  const last = Buffer.from(lastDrawing(line));
  return line.at(-1) === RETURN ? Buffer.concat([last, Uint8Array.of(RETURN)]) : last;
}

export interface LineSplitter {
  push(bytes: Uint8Array): void;
  /** Hands out what has come after the last newline. */
  end(): void;
}

/** Cuts a stream into lines. A progress meter, redrawn with carriage returns, comes out once, as it was last. */
export function createLineSplitter(emit: (line: Uint8Array) => void): LineSplitter {
  let pending: Uint8Array = new Uint8Array(0);
  return {
    push(bytes) {
      let rest: Buffer = Buffer.concat([pending, bytes]);
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
        emit(lastDrawing(rest.subarray(0, end)));
        rest = rest.subarray(end + 1);
      }
      if (rest.length > MAX_LINE_BYTES) rest = forgetDrawings(rest);
      for (; rest.length > MAX_LINE_BYTES; rest = rest.subarray(MAX_LINE_BYTES)) emit(rest.subarray(0, MAX_LINE_BYTES));
      pending = rest;
    },
    end() {
      if (pending.length > 0) emit(lastDrawing(pending));
      pending = new Uint8Array(0);
    },
  };
}

/** `[  576.042144] busybox[5]: ` for 576042144 µs. Source of the format: facts §2.7. */
export function formatLinePrefix(monotonicUs: number, app: string, pid: number): string {
  const seconds = String(Math.floor(monotonicUs / 1e6)).padStart(5);
  const micros = String(Math.floor(monotonicUs % 1e6)).padStart(6, '0');
  return `[${seconds}.${micros}] ${app}[${pid}]: `;
}

/** The kernel's monotonic clock in µs from the list of its timers; undefined where that cannot be read. */
function readKernelClockUs(): number | undefined {
  try {
    const fd = openSync('/proc/timer_list', 'r');
    const head = Buffer.alloc(256);
    try {
      readSync(fd, head);
    } finally {
      closeSync(fd);
    }
    const match = /now at (\d+) nsecs/.exec(head.toString('latin1'));
    return match === null ? undefined : Number(match[1]) / 1000;
  } catch {
    return undefined;
  }
}

/** Seconds since boot with two digits, which only differ from the monotonic clock by times of suspension. */
async function readUptimeUs(): Promise<number> {
  return Number((await Bun.file('/proc/uptime').text()).split(' ')[0]) * 1e6;
}

/** A function that tells CLOCK_MONOTONIC in µs: JavaScript's own clock starts with the process. */
export async function openMonotonicClock(): Promise<() => number> {
  const offsetUs = (readKernelClockUs() ?? (await readUptimeUs())) - performance.now() * 1000;
  return () => performance.now() * 1000 + offsetUs;
}
