// JSON that keeps integers above 2^53 exact: they come in as bigint and go out as the same digits.
// Calico's IPAM blocks carry sequence numbers that start from the clock in nanoseconds.

export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [key: string]: Json };

export type JsonObject = { readonly [key: string]: Json };

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [34, 92, 91, 93, 123, 125];

/** Far beyond any document of this project, and few enough that no reader, writer or comparison runs out of stack. */
export const MAX_JSON_DEPTH = 500;
/** 2^128 has 39 digits; the time to read a number grows with the square of its length. */
const MAX_DIGITS = 40;

/** 2^53 has 16 digits. A text without so many in a row needs no look at every value, which takes five times as long. */
const SIXTEEN_DIGITS = /\d{16}/;

/** Throws SyntaxError on malformed text, RangeError beyond the bounds above. Integers beyond the safe range become bigint. */
export function parseJson(text: string): Json {
  checkDepth(text);
  if (!SIXTEEN_DIGITS.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value) || context?.source === undefined) return value;
    return /^-?\d+$/.test(context.source) ? parseLongInteger(context.source) : value;
  });
}

/** Why parseJson refused a text, without the engine's words: they quote it, and it may hold a secret. */
export function describeJsonFault(error: unknown): string {
  return error instanceof RangeError ? error.message : 'is not JSON';
}

/** As parseJson; undefined for text that it refuses. */
export function tryParseJson(text: string): Json | undefined {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function parseLongInteger(digits: string): bigint {
  if (digits.length <= MAX_DIGITS) return BigInt(digits);
  throw new RangeError(`has a number of ${digits.length} digits, wanted at most ${MAX_DIGITS}`);
}

/** Counts brackets outside of strings; a short text has too few for trouble. */
function checkDepth(text: string): void {
  if (text.length <= MAX_JSON_DEPTH) return;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) at = endOfString(text, at);
    else if (character === OPEN_LIST || character === OPEN_OBJECT) depth++;
    else if (character === CLOSE_LIST || character === CLOSE_OBJECT) depth--;
    if (depth > MAX_JSON_DEPTH) throw new RangeError(`is nested deeper than ${MAX_JSON_DEPTH} levels`);
  }
}

/** Where the string that begins at `start` has its closing quote, or the text its end. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    if (!isEscaped(text, at)) return at;
  }
  return text.length;
}

/** Whether an odd number of backslashes stands before. */
function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++;
  return slashes % 2 === 1;
}

interface RawJson {
  rawJSON(text: string): unknown;
}

/** Compact text; bigint becomes a plain integer. Keys come in insertion order; undefined members are left out. */
export function printJson(value: unknown, indent?: number | string): string {
  try {
    return JSON.stringify(value, undefined, indent);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return printWithBigints(value, indent); // the few values with a bigint; asking at every member costs three times as much
  }
}

function printWithBigints(value: unknown, indent: number | string | undefined): string {
  const raw = JSON as unknown as RawJson;
  return JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? raw.rawJSON(v.toString()) : v), indent);
}
