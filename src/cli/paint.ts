// Colour for people at a terminal. What is said never depends on it.

export type Tone = 'good' | 'bad' | 'note';

export type Paint = (tone: Tone, text: string) => string;

/** Green, red and yellow (ECMA-48, select graphic rendition). */
const CODES: Readonly<Record<Tone, number>> = { good: 32, bad: 31, note: 33 };
const PAINTED = /(\x1b\[(?:31|32|33|0)m)/;

export const paintNothing: Paint = (_tone, text) => text;

export const paintColours: Paint = (tone, text) => `\x1b[${CODES[tone]}m${text}\x1b[0m`;

/** The text with everything but our colours changed by `change`. Whoever paints has escaped what others have written before. */
export function besideColours(text: string, change: (part: string) => string): string {
  const parts = text.split(PAINTED);
  return parts.map((part, index) => (index % 2 === 1 ? part : change(part))).join('');
}

/** Whether a stream is to be coloured: a terminal that knows how, of somebody who has not said no (no-color.org). */
export function wantsColours(
  isTerminal: boolean,
  { NO_COLOR, TERM }: Readonly<Record<string, string | undefined>>,
): boolean {
  return isTerminal && (NO_COLOR ?? '') === '' && TERM !== 'dumb';
}
