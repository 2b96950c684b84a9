// Short, stable names for long content.
import { createHash } from 'node:crypto';

/** The first `length` characters (1 to 43) of the base64url SHA-256 of a text. */
export function shortHash(text: string, length: number): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, length);
}
