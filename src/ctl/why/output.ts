// How an explanation is printed.
import { OcicatError } from '../../base/errors.ts';
import { flagValue, type Invocation } from '../cli/command.ts';

/** Throws `invalid` for a word that is neither. */
export function readOutput(invocation: Invocation): 'text' | 'json' {
  const word = flagValue(invocation, 'output') ?? 'text';
  if (word === 'text' || word === 'json') return word;
  throw new OcicatError('invalid', `output "${word}": text or json wanted`);
}
