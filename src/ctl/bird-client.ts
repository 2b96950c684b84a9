// Asks BIRD over its control socket (the protocol of birdc: reply lines begin with a four-digit code).
import { createConnection } from 'node:net';
import { OcicatError } from '../base/errors.ts';

/** How long BIRD may take to answer (facts: calico §8.6). */
const TIMEOUT_MS = 2_000;

/** Whether a reply is complete: its last line has a code and a blank after it. */
function isComplete(reply: string): boolean {
  return /(^|\n)\d{4} [^\n]*\n$/.test(reply);
}

/** The lines of a reply without their codes; throws `internal` for a refusal (codes from 8000). */
function linesOf(reply: string): readonly string[] {
  const lines = reply.trimEnd().split('\n');
  const refused = lines.find((line) => /^[89]\d{3}[ -]/.test(line));
  if (refused !== undefined) throw new OcicatError('internal', `ask BIRD: ${refused.slice(5)}`);
  return lines.map((line) => (/^\d{4}[ -]/.test(line) ? line.slice(5) : line.slice(1)));
}

/**
 * The lines that answer a command, such as `show protocols`. Throws `not-found` when nothing listens at the socket,
 * `timeout` when nothing answers.
 */
export function askBird(socketPath: string, command: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(socketPath);
    let reply = '';
    let greeted = false;
    const fail = (error: OcicatError) => {
      socket.destroy();
      reject(error);
    };
    socket.setEncoding('utf8');
    socket.setTimeout(TIMEOUT_MS, () => fail(new OcicatError('timeout', `ask BIRD at "${socketPath}": no answer`)));
    socket.on('error', (cause) =>
      fail(new OcicatError('not-found', `ask BIRD at "${socketPath}": not there`, { cause })),
    );
    socket.on('close', () => fail(new OcicatError('unavailable', `ask BIRD at "${socketPath}": it hung up`)));
    socket.on('data', (text: string) => {
      reply += text;
      if (!isComplete(reply)) return;
      if (greeted) {
        socket.destroy();
        settle(() => resolve(linesOf(reply)), reject);
      } else {
        greeted = true;
        reply = '';
        socket.write(`${command}\n`);
      }
    });
  });
}

function settle(work: () => void, reject: (error: unknown) => void): void {
  try {
    work();
  } catch (error) {
    reject(error);
  }
}
