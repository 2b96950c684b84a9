// JSON that keeps integers above 2^53 exact: they come in as bigint and go out as the same digits.
// Calico's IPAM blocks carry sequence numbers that start from the clock in nanoseconds.

export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [key: string]: Json };

/** 2^53 has 16 digits. A text without so many in a row needs no look at every value, which takes five times as long. */
const SIXTEEN_DIGITS = /\d{16}/;

/** Throws SyntaxError on malformed text. Integers beyond the safe range become bigint. */
export function parseJson(text: string): Json {
  if (!SIXTEEN_DIGITS.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value) || context?.source === undefined) return value;
    return /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
  });
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
