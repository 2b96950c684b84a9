// How a failure is reported: one line, or with --debug one line for each cause.
import type { Context } from './context.ts';

function messagesOf(error: unknown): readonly string[] {
  const messages: string[] = [];
  for (let at: unknown = error; at !== undefined; at = at instanceof Error ? at.cause : undefined) {
    messages.push((at instanceof Error ? at.message : String(at)).trim().replace(/\s*\n\s*/g, '; '));
  }
  return messages;
}

/**
 * Without `debug`: the outermost message and the innermost cause. With it: every message, each below the one it caused.
 * Source of both forms: rkt v1.30.0, rkt/rkt.go.
 */
export function formatFailure(error: unknown, debug: boolean): string {
  const [context = '', ...causes] = messagesOf(error);
  if (!debug) return [context, ...causes.slice(-1)].join(': ');
  return [context, ...causes.map((cause, depth) => `${'  '.repeat(depth + 1)}└─${cause}`)].join('\n');
}

/** Writes the failure to standard error behind its origin: the command, or `stage1` for the start of a pod. */
export function reportFailure(context: Pick<Context, 'debug' | 'stdio'>, origin: string, error: unknown): void {
  context.stdio.stderr(`${origin}: ${formatFailure(error, context.debug)}\n`);
}
