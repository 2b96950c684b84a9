// Passwords of BGP sessions (RFC 2385): which ones a node's routing asks for, and what a text must be to be one.
import type { Password, PasswordReference, RoutingInput } from './input.ts';

/** As many bytes as the kernel signs with (TCP_MD5SIG_MAXKEYLEN in linux/tcp.h). */
const MAX_BYTES = 80;

/** `NAME/KEY`. */
export function passwordId({ name, key }: PasswordReference): string {
  return `${name}/${key}`;
}

/** All that peers and the mesh ask for, each once. */
export function passwordReferences({ bgp, peers }: RoutingInput): readonly PasswordReference[] {
  const all = [bgp.meshPassword, ...peers.map(({ password }) => password)].filter((one) => one !== undefined);
  return [...new Map(all.map((one) => [passwordId(one), one])).values()];
}

export function passwordOf(reference: PasswordReference, { passwords }: RoutingInput): Password {
  return passwords?.get(passwordId(reference)) ?? { kind: 'missing', why: 'it has not been read' };
}

function faultOf(text: string): string | undefined {
  if (text === '') return 'it is empty';
  if (Buffer.byteLength(text) > MAX_BYTES) return `it has more than ${MAX_BYTES} bytes`;
  return /^[\x20\x21\x23-\x7e]+$/.test(text) ? undefined : 'it has other letters than those of ASCII without "';
}

/** From what a file holds; the end of a last line is not a part of it. */
export function parsePassword(content: string): Password {
  const text = content.replace(/\r?\n$/, '');
  const why = faultOf(text);
  return why === undefined ? { kind: 'found', text } : { kind: 'missing', why };
}
