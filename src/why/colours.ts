// Where the lines of an explanation have colour: at what is allowed, denied, agreed with, or on trial.
import type { Paint, Tone } from '../cli/paint.ts';

/** The first that is found in a line. */
const MARKS: readonly (readonly [RegExp, Tone])[] = [
  [/^(?:now )?allowed(?=[:,])/, 'good'],
  [/^(?:now )?denied(?=[:,])/, 'bad'],
  [/(?<=^ {2}kernel: )agrees/, 'good'],
  [/(?<=^ {2}kernel: )DISAGREES/, 'bad'],
  [/(?<=^(?:egress|ingress) of (?:the (?:source|destination) \S+|host \S+, on the way): )allowed/, 'good'],
  [/(?<=^(?:egress|ingress) of (?:the (?:source|destination) \S+|host \S+, on the way): )denied/, 'bad'],
  [/would (?:Allow|Deny|Pass|Log)(?= {3})|(?:Allow|Deny|Pass|Log), would be gone/, 'note'],
];

/** One line, in which what others have written is escaped. */
export function paintLine(line: string, paint: Paint): string {
  for (const [mark, tone] of MARKS) if (mark.test(line)) return line.replace(mark, (word) => paint(tone, word));
  return line;
}
