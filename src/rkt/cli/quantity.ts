// Amounts of memory and processor time in Kubernetes' notation: `25Mi`, `500m`, `1e3`.
import { OcicatError } from '../../base/errors.ts';

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

/** The plain number. Throws `invalid` for what is not a quantity. */
export function parseQuantity(text: string): number {
  const match = /^(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(text);
  if (match === null) {
    throw new OcicatError('invalid', `quantity "${text}": not a number with a suffix such as m, k, M or Mi`);
  }
  return Number(`${match[1]}${match[2] ?? ''}`) * (scale[match[3] ?? ''] ?? 1);
}

/** Smallest memory limit worth setting: one page. Source: rkt v1.30.0, rkt/cli_apps.go. */
const MIN_MEMORY_BYTES = 4096;

/** Whole bytes, rounded up. Throws `invalid` below one page. */
export function parseMemory(text: string): number {
  const bytes = Math.ceil(parseQuantity(text));
  if (bytes >= MIN_MEMORY_BYTES) return bytes;
  throw new OcicatError(
    'invalid',
    `memory limit of ${bytes} bytes too low. Try a reasonable value, such as --memory=16M`,
  );
}

/** Thousandths of a processor, at least 1. */
export function parseMilliCpu(text: string): number {
  const milli = Math.ceil(Number((parseQuantity(text) * 1000).toPrecision(12)));
  if (milli >= 1) return milli;
  throw new OcicatError('invalid', `cpu limit "${text}": must be more than nothing`);
}
