// Amounts in Kubernetes' notation: `25Mi`, `500m`, `1e3`.
import { OcicatError } from './errors.ts';

const scale: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The plain number; undefined for what is not a quantity. */
export function tryParseQuantity(text: string): number | undefined {
  const match = /^(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(text);
  if (match === null) return undefined;
  return Number(`${match[1]}${match[2] ?? ''}`) * (scale[match[3] ?? ''] ?? 1);
}

/** As tryParseQuantity; throws `invalid` for what is not a quantity. */
export function parseQuantity(text: string): number {
  const number = tryParseQuantity(text);
  if (number !== undefined) return number;
  throw new OcicatError('invalid', `quantity "${text}": not a number with a suffix such as m, k, M or Mi`);
}
