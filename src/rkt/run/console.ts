// What apps print, line by line, as the pod's journal would show it: time, app and process id before every line.
import { closeSync, openSync, readSync } from 'node:fs';

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** A line that is longer is cut. Source: journald.conf(5), LineMax. */
const MAX_LINE_BYTES = 48 * 1024;

export interface LineSplitter {
  push(bytes: Uint8Array): void;
  /** Hands out what has come after the last newline. */
  end(): void;
}

/** Where lines end. Each sign is looked for once from where it was last, so that the whole is read twice and not once a line. */
function* findEnds(bytes: Buffer): Generator<number> {
  const next = (sign: number, from: number): number => {
    const at = bytes.indexOf(sign, from);
    return at < 0 ? bytes.length : at;
  };
  let newline = next(NEWLINE, 0);
  let drawing = next(RETURN, 0);
  while (Math.min(newline, drawing) < bytes.length) {
    yield Math.min(newline, drawing);
    if (newline < drawing) newline = next(NEWLINE, newline + 1);
    else drawing = next(RETURN, drawing + 1);
  }
}

/**
 * Cuts a stream into lines. A carriage return ends one too, so that each drawing of a progress meter is shown; with a
 * newline after it, it is one end of line, and an empty drawing is no line.
 */
export function createLineSplitter(emit: (line: Uint8Array) => void): LineSplitter {
  let pending: Uint8Array = new Uint8Array(0);
  let drawn = false;
  const endLine = (line: Buffer, end: number | undefined): void => {
    const isDrawing = end === RETURN;
    if (line.length > 0 || !(isDrawing || drawn)) emit(line);
    drawn = isDrawing && (line.length > 0 || drawn);
  };
  return {
    push(bytes) {
      const all = Buffer.concat([pending, bytes]);
      let start = 0;
      for (const end of findEnds(all)) {
        endLine(all.subarray(start, end), all[end]);
        start = end + 1;
      }
      let rest: Uint8Array = all.subarray(start);
      for (; rest.length > MAX_LINE_BYTES; rest = rest.subarray(MAX_LINE_BYTES)) emit(rest.subarray(0, MAX_LINE_BYTES));
      pending = rest;
    },
    end() {
      if (pending.length > 0) emit(pending);
      pending = new Uint8Array(0);
    },
  };
}

/** `[  576.042144] busybox[5]: ` for 576042144 µs. Source of the format: rkt v1.30.0, stage1/init/common/units.go. */
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
