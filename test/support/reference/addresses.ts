// Addresses and ranges as the reference evaluator reads them: as numbers of 32 or 128 bits, from their texts alone.

export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** Four numbers, or up to eight groups of hexadecimal digits with one gap (RFC 4291, section 2.2). */
export function readAddress(text: string): Address {
  if (!text.includes(':')) {
    return { family: 4, value: text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n) };
  }
  const [head = [], tail = []] = text.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const groups = [...head, ...new Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return { family: 6, value: groups.reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n) };
}

/** `10.0.0.0/8`, or a single address. */
export function isInRange(text: string, { family, value }: Address): boolean {
  const [base = '', length] = text.split('/');
  const range = readAddress(base);
  const bits = range.family === 4 ? 32 : 128;
  const host = BigInt(bits - Number(length ?? bits));
  return range.family === family && range.value >> host === value >> host;
}
