// The names of containers, as others of their networks ask for them: labels of letters, digits, "-" and "_" with dots between.
// They come from runtimes, images' users and the store: what could stand for anything else in a question is no name.

const LABEL = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
/** With a dot and the name of a network behind it, a name of 253 characters at most (RFC 1035, section 3.1). */
const MAX_LENGTH = 189;
/** Of reverse names, and of the host itself (RFC 6761). */
const TAKEN = ['arpa', 'localhost'];

/** What `tryParseName` takes, for messages. */
export const NAME_WANTED =
  'a name of at most 189 letters, digits, "-", "_" and "." that is no address, nor in "arpa" or "localhost"';

/** In lower case; undefined when it can be no name. */
export function tryParseName(text: string): string | undefined {
  const labels = text.split('.');
  const last = labels.at(-1)?.toLowerCase() ?? '';
  const isName = text.length <= MAX_LENGTH && labels.every((label) => LABEL.test(label));
  const isOther = TAKEN.includes(last) || (labels.length > 1 && /^\d+$/.test(last));
  return isName && !isOther ? text.toLowerCase() : undefined;
}

/** Each once, in order. */
export function parseNames(texts: readonly string[]): readonly string[] {
  return [...new Set(texts.flatMap((text) => tryParseName(text) ?? []))];
}
