// The commands of a page, host by host, with what the page shows for them: blocks marked `console`, in which `NAME# ` or
// `NAME$ ` begins a command that is typed on the host NAME, and the lines after it are its output.

export interface Typed {
  readonly host: string;
  /** As it is typed; several lines where it has a here-document or ends lines with a backslash. */
  readonly command: string;
  /** Runs of white space are equal; `…` stands for anything within a line, and alone for any lines. */
  readonly shown: readonly string[];
  /** Of the command's first line in the page, from 1. */
  readonly line: number;
}

const PROMPT = /^([a-z][a-z0-9-]*)[#$] (.*)$/;

/** The word that ends the here-document which a command opens, or undefined. */
function hereWord(line: string): string | undefined {
  return /<<-?\s*'?(\w+)'?/.exec(line)?.[1];
}

/** How many lines of `lines` the command at its start takes. */
function commandLength(lines: readonly string[]): number {
  let length = 1;
  while (lines[length - 1]?.endsWith('\\') === true) length += 1;
  const word = hereWord(lines.slice(0, length).join('\n'));
  if (word === undefined) return length;
  const end = lines.indexOf(word, length);
  if (end < 0) throw new Error(`a here-document without its ${word}: ${lines[0]}`);
  return end + 1;
}

/** The commands of one block; `firstLine` is the block's first one in the page. */
function parseBlock(lines: readonly string[], firstLine: number): readonly Typed[] {
  const typed: Typed[] = [];
  for (let at = 0; at < lines.length; ) {
    const [, host, start] = PROMPT.exec(lines[at] ?? '') ?? [];
    if (host === undefined || start === undefined) throw new Error(`line ${firstLine + at}: output before any command`);
    const end = at + commandLength(lines.slice(at));
    const next = lines.findIndex((line, index) => index >= end && PROMPT.test(line));
    const stop = next < 0 ? lines.length : next;
    const command = [start, ...lines.slice(at + 1, end)].join('\n');
    typed.push({ host, command, shown: lines.slice(end, stop), line: firstLine + at });
    at = stop;
  }
  return typed;
}

/** All commands of a page of Markdown, in order. Throws where a block marked `console` is not such a block. */
export function parseTranscript(markdown: string): readonly Typed[] {
  const lines = markdown.split('\n');
  const typed: Typed[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (lines[at] !== '```console') continue;
    const end = lines.indexOf('```', at + 1);
    typed.push(...parseBlock(lines.slice(at + 1, end), at + 2));
    at = end;
  }
  return typed;
}

function toPattern(line: string): string {
  const parts = line
    .trimEnd()
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\s+/g, '\\s+'));
  return parts.join('.*');
}

/** Whether the output is what the page shows. */
export function isShown({ shown }: Typed, output: string): boolean {
  const kept = (lines: readonly string[]) => lines.map((line) => line.trimEnd()).filter((line) => line !== '');
  const patterns = kept(shown).map((line) => (line === '…' ? '(?:.*\\n)*?' : `${toPattern(line)}\\s*\\n`));
  return new RegExp(`^${patterns.join('')}$`).test(
    kept(output.split('\n'))
      .map((line) => `${line}\n`)
      .join(''),
  );
}
