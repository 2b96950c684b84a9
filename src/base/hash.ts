// Short, stable names for long content.
import { createHash } from 'node:crypto';

/** The first `length` characters (1 to 43) of the base64url SHA-256 of a text. */
export function shortHash(text: string, length: number): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, length);
}

/** The first `length` characters (1 to 64) of the hexadecimal SHA-256 of a text: lower-case letters and digits alone. */
export function hexHash(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}
