// One line for each request, without its token, and so few of them that no pod fills the disk with them.
import { escapeLine } from '../base/escape.ts';
import type { HttpRequest } from './http-message.ts';

const LINES_PER_SECOND = 20;
const SHOWN_PATH = 200;

export interface RequestLog {
  add(request: Pick<HttpRequest, 'method'>, path: string, status: number, who: string): void;
}

export function createRequestLog(write: (line: string) => void, nowMs: () => number = Date.now): RequestLog {
  let second = 0;
  let lines = 0;
  return {
    add({ method }, path, status, who) {
      const now = Math.floor(nowMs() / 1000);
      if (now !== second) {
        if (lines > LINES_PER_SECOND) write(`${lines - LINES_PER_SECOND} more requests within a second`);
        second = now;
        lines = 0;
      }
      lines += 1;
      if (lines <= LINES_PER_SECOND) write(escapeLine(`${method} ${path.slice(0, SHOWN_PATH)} - ${status} (${who})`));
    },
  };
}
