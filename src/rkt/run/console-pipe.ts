// The pod's console: a pipe from every app to the runner's standard output.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { escapeLine } from '../../base/escape.ts';
import * as libc from '../../sys/libc.ts';
import { createLineSplitter, formatLinePrefix, openMonotonicClock } from './console.ts';
import { openConsoleSink } from './console-sink.ts';

export interface PodConsole {
  /** The descriptor that an app's standard output and error are to be. */
  pipeFor(app: string): number;
  /** Starts showing what the app prints; to be called once the app has its pipe. */
  begin(app: string, podPid: number): void;
  /** A line about an app that could not start, written as by the pod's first process. */
  writeLine(app: string, text: string): void;
  /**
   * To be called when all processes of the pod have gone: resolves when all that they printed is shown. When `hurried`
   * fires, nobody waits for a reader that does not read.
   */
  drained(hurried: AbortSignal): Promise<void>;
}

interface Pipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

const S_IFIFO = 0o010000;
/** Anybody may open its own output again, as programs do that write to /dev/stderr. */
const FIFO_MODE = 0o622;

/** A pipe, made as a named one that loses its name: its two ends are separate, so that the reading one alone can be non-blocking. */
function openPipe(path: string): Pipe {
  libc.mknod(path, S_IFIFO | FIFO_MODE, 0);
  try {
    const readEnd = libc.open(path, libc.O_RDONLY | libc.O_NONBLOCK | libc.O_CLOEXEC);
    return { readEnd, writeEnd: libc.open(path, libc.O_WRONLY | libc.O_CLOEXEC) };
  } finally {
    rmSync(path);
  }
}

const NEWLINE = Buffer.from('\n');

/** Signals and the ends of processes are heard between two parts: an app that prints without end leaves no pause. */
function othersTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A pipe on its way to standard output. */
interface Stream {
  shownBytes: number;
  readonly ended: Promise<void>;
  /** Reads no more. */
  cut(): Promise<void>;
}

/** Until it has come, but no longer than `ms`. A timer that is left behind would keep the program from ending. */
async function atMost(ms: number, event: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  try {
    await Promise.race([event, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

const MAX_IDLE_POLLS = 10;
const POLL_MS = 50;
/** The most that a pipe holds. Source: proc(5), pipe-max-size. */
const PIPE_BYTES = 1024 * 1024;

/**
 * Ends when nothing more can come from those who have gone. An app may have passed its end of the pipe on to another pod,
 * which then keeps it open, or writes to it, for as long as it likes. Source: unix(7), SCM_RIGHTS.
 */
async function finish(stream: Stream, isShowing: () => boolean): Promise<void> {
  const end = stream.shownBytes + PIPE_BYTES;
  let over = false;
  const ended = stream.ended.then(() => {
    over = true;
  });
  for (let idlePolls = 0; idlePolls < MAX_IDLE_POLLS && !over; idlePolls++) {
    const before = stream.shownBytes;
    await atMost(POLL_MS, ended);
    if ((stream.shownBytes !== before && stream.shownBytes < end) || isShowing()) idlePolls = 0;
  }
  await stream.cut();
}

/** `directory` is where pipes have a name for a moment. */
export async function openConsole(directory: string, warn: (line: string) => void): Promise<PodConsole> {
  const clock = await openMonotonicClock();
  const pipes = new Map<string, Pipe>();
  const streams: Stream[] = [];
  const sink = openConsoleSink(warn);
  const lineOf = (app: string, pid: number, line: Uint8Array): readonly Uint8Array[] => [
    Buffer.from(formatLinePrefix(clock(), app, pid)),
    line,
    NEWLINE,
  ];
  const show = (app: string, pid: number, readEnd: number): Stream => {
    const lines: Uint8Array[] = [];
    const splitter = createLineSplitter((line) => lines.push(...lineOf(app, pid, line)));
    const reader = Bun.file(readEnd).stream().getReader();
    const follow = async (): Promise<void> => {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        stream.shownBytes += part.value.length;
        splitter.push(part.value);
        await sink.write(Buffer.concat(lines.splice(0)));
        await othersTurn();
      }
      splitter.end();
      await sink.write(Buffer.concat(lines.splice(0)));
    };
    const cut = async (): Promise<void> => {
      await reader.cancel();
      libc.close(readEnd);
    };
    const stream: Stream = { shownBytes: 0, ended: Promise.resolve().then(follow), cut };
    return stream;
  };
  return {
    pipeFor(app) {
      const pipe = openPipe(join(directory, `${app}.pipe`));
      pipes.set(app, pipe);
      return pipe.writeEnd;
    },
    begin(app, podPid) {
      const pipe = pipes.get(app);
      if (pipe === undefined) return;
      pipes.delete(app);
      libc.close(pipe.writeEnd);
      streams.push(show(app, podPid, pipe.readEnd));
    },
    writeLine: (app, text) => void sink.write(Buffer.concat(lineOf(app, 1, Buffer.from(escapeLine(text))))),
    async drained(hurried) {
      const isShowing = (): boolean => sink.isWaiting() && !hurried.aborted;
      await Promise.all(streams.map((stream) => finish(stream, isShowing)));
      await sink.end(hurried);
    },
  };
}
