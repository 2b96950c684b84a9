// Amounts of memory and processor time.
import { OcicatError } from '../../base/errors.ts';
import { parseQuantity } from '../../base/quantity.ts';

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
