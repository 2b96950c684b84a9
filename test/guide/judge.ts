// Holds what a command printed against what the guide shows for it.
import type { Step } from './steps.ts';

/** Placeholders of expected lines, as patterns. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  uuid: '[0-9a-f]{8}(?:(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?',
  version: 'v\\d+\\.\\d+\\.\\d+',
  ago: '(?:now|\\d+ (?:second|minute|hour)s? ago)',
  clock: ' *\\d+\\.\\d{6}',
  pid: '\\d+',
  stars: '\\*+',
  token: '[0-9a-f]{32}',
};

function toPattern(line: string): RegExp {
  const parts = line.split(/\{(\w+)\}/).map((part, index) => {
    if (index % 2 === 1) return PLACEHOLDERS[part] ?? part;
    return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\s+/g, '\\s+');
  });
  return new RegExp(`^${parts.join('')}\\s*$`);
}

export interface Outcome {
  readonly stdout: string;
  readonly status: number;
}

/** The expected lines, put in the order in which this output has them. */
function arrange(expected: readonly string[], lines: readonly string[]): readonly string[] {
  const [first, ...rest] = expected;
  const place = (line: string) => lines.findIndex((real) => toPattern(line).test(real));
  return first === undefined ? [] : [first, ...rest.sort((a, b) => place(a) - place(b))];
}

/** Whether the output has the expected lines, in order, with nothing between them but what the step allows. */
export function isAsWritten(step: Step, outcome: Outcome): boolean {
  if ((step.status === 0) !== (outcome.status === 0)) return false;
  const lines = outcome.stdout.split('\n').filter((line) => line.trim() !== '' && step.between?.test(line) !== true);
  const expected = step.unordered === true ? arrange(step.expected, lines) : step.expected;
  return lines.length === expected.length && expected.every((line, index) => toPattern(line).test(lines[index] ?? ''));
}

/** Expected and real lines in two columns. */
export function formatSideBySide(step: Step, outcome: Outcome): string {
  const real = outcome.stdout.trimEnd().split('\n');
  const width = Math.max(20, ...step.expected.map((line) => line.length));
  const rows = Array.from({ length: Math.max(step.expected.length, real.length) }, (_, index) => {
    const left = step.expected[index] ?? '';
    return `    ${left.padEnd(width)} | ${(real[index] ?? '').replaceAll('\t', ' ')}`;
  });
  const wanted = step.status === 0 ? 'exit status 0' : 'another exit status than 0';
  return [
    `    ${'the guide'.padEnd(width)} | this run`,
    ...rows,
    `    ${wanted.padEnd(width)} | exit status ${outcome.status}`,
  ].join('\n');
}
