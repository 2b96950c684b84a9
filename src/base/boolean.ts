// Booleans as Go's programs take them in text (Go's package strconv, ParseBool).

/** Undefined for what Go refuses: `yes`, `tRUE`. */
export function tryParseBoolean(text: string): boolean | undefined {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}
