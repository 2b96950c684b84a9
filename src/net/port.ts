// Transport ports and ranges of them.

/** Both ends included, 0 ≤ min ≤ max ≤ 65535. */
export interface PortRange {
  readonly min: number;
  readonly max: number;
}

function tryParsePort(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined;
}

/** `80` or `"8000:8010"`; undefined for anything else, a reversed range included. */
export function tryParsePortRange(value: number | string): PortRange | undefined {
  const [first = '', second = first, ...rest] = String(value).split(':');
  const min = tryParsePort(first);
  const max = tryParsePort(second);
  if (rest.length > 0 || min === undefined || max === undefined || min > max) return undefined;
  return { min, max };
}

export function formatPortRange(range: PortRange): string {
  return range.min === range.max ? String(range.min) : `${range.min}:${range.max}`;
}

export function portInRange(range: PortRange, port: number): boolean {
  return port >= range.min && port <= range.max;
}
