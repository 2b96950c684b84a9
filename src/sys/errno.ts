// Failures of node:fs, which carry the name of an error number (errno(3)).
import { OcicatError } from '../base/errors.ts';

/** Whether a failure carries one of these names, such as `ENOENT`. */
export function isErrno(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && names.includes(String(error.code));
}

/** `ENOSPC` rather than the sentence that node:fs builds around it. */
export function describeErrno(error: unknown): string {
  if (error instanceof OcicatError) return error.message;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message : String(error);
}
