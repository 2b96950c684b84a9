// What a page of the manual says, as data: from it come the reference in Markdown and the manual pages in roff.

/** A term and what it means. Text is plain; what stands between backticks is typed or printed as it stands. */
export interface Entry {
  readonly term: string;
  readonly doc: string;
  /** The path of the page that the term has, where it has one. */
  readonly page?: readonly string[];
}

export interface Page {
  /** What calls it: `['calicoctl', 'ipam', 'show']`. */
  readonly path: readonly string[];
  /** Of the manual: 1 for commands, 8 for daemons. */
  readonly section: 1 | 8;
  /** Without full stop. */
  readonly summary: string;
  /** Each way to call it, on a line. */
  readonly usage: readonly string[];
  /** Paragraphs. */
  readonly description: readonly string[];
  /** `Options`, `Commands`, `Environment`, `Files`; those without entries are left out. */
  readonly lists: readonly { readonly title: string; readonly entries: readonly Entry[] }[];
  readonly examples: readonly (readonly [comment: string, line: string])[];
  /** The path of the page of the whole program; undefined for that page itself. */
  readonly above?: readonly string[];
}

/** All pages of a program: its own, then those of its commands. */
export type Manual = readonly [own: Page, ...commands: readonly Page[]];

/** The name of a page in the manual and of its file: `calicoctl-ipam-show`. */
export function pageName(path: readonly string[]): string {
  return path.join('-');
}
