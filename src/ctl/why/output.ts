// How an explanation is printed.
import { OcicatError } from '../../base/errors.ts';
import { flagValue, type Invocation } from '../cli/command.ts';

/** The first word is what is meant when none is given. Throws `invalid` for a word that is none of them. */
export function readOutput<const W extends string>(invocation: Invocation, words: readonly [W, ...W[]]): W {
  const given = flagValue(invocation, 'output') ?? words[0];
  const word = words.find((one) => one === given);
  if (word !== undefined) return word;
  throw new OcicatError('invalid', `output "${given}": ${words.slice(0, -1).join(', ')} or ${words.at(-1)} wanted`);
}

export const TEXT_OR_JSON = ['text', 'json'] as const;
