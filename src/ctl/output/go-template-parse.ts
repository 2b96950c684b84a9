// Reads the text of a Go template: https://pkg.go.dev/text/template, without nested template definitions.
import { OcicatError } from '../../base/errors.ts';
import { parseJson } from '../../base/json.ts';

/** Characters of a template, and actions or parentheses inside of each other. */
const MAX_LENGTH = 1024 * 1024;
const MAX_DEPTH = 100;

/** One operand of a command. */
export type Operand =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | undefined }
  /** `.a.b`, `$x.a`; root undefined is the dot. */
  | { readonly kind: 'field'; readonly root: string | undefined; readonly names: readonly string[] }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'nested'; readonly pipeline: Pipeline; readonly names: readonly string[] };

export interface Pipeline {
  /** Variables that the value is given to: `$x :=`, `$i, $x :=`. */
  readonly variables: readonly string[];
  /** Commands of one or more operands; each gets the value of the one before as its last argument. */
  readonly commands: readonly (readonly Operand[])[];
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'range' | 'with';
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

type Piece = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'action'; readonly text: string };

function wrong(reason: string): OcicatError {
  return new OcicatError('invalid', `read go-template: ${reason}`);
}

/** Where the action that begins after `{{` ends: before `}}` that stands in no quotes. */
function endOfAction(template: string, from: number): number {
  const next = /"(?:\\[\s\S]|[^"\\])*"|`[^`]*`|\}\}|$/g;
  next.lastIndex = from;
  for (let match = next.exec(template); match !== null && match[0] !== ''; match = next.exec(template))
    if (match[0] === '}}') return match.index;
  throw wrong('an action is not closed');
}

/** Text and actions; `{{-` and `-}}` trim the text beside them, comments vanish. */
function splitPieces(template: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  const text = (end: number, trimEnd: boolean) => {
    let piece = template.slice(at, end);
    if (trimNext) piece = piece.trimStart();
    if (trimEnd) piece = piece.trimEnd();
    if (piece !== '') pieces.push({ kind: 'text', text: piece });
  };
  for (let open = template.indexOf('{{'); open >= 0; open = template.indexOf('{{', at)) {
    const close = endOfAction(template, open + 2);
    const inside = template.slice(open + 2, close);
    text(open, /^-\s/.test(inside));
    at = close + 2;
    trimNext = /\s-$/.test(inside);
    const action = inside.slice(/^-\s/.test(inside) ? 1 : 0, trimNext ? -1 : undefined).trim();
    if (!action.startsWith('/*')) pieces.push({ kind: 'action', text: action });
  }
  text(template.length, false);
  return pieces;
}

/** What is read one by one, with the number of beginnings that wait for their end. */
interface Reader<T> {
  readonly items: readonly T[];
  at: number;
  depth: number;
}
type Tokens = Reader<string>;
type Pieces = Reader<Piece>;

function peek<T>(reader: Reader<T>): T | undefined {
  return reader.items[reader.at];
}

function take<T>(reader: Reader<T>): T | undefined {
  return reader.items[reader.at++];
}

/** Reads what is one level further inside. */
function deeper<R extends { depth: number }, T>(reader: R, read: () => T): T {
  if (reader.depth >= MAX_DEPTH) throw wrong(`it is nested too deeply, wanted at most ${MAX_DEPTH} levels`);
  reader.depth += 1;
  const value = read();
  reader.depth -= 1;
  return value;
}

function tokenize(text: string): string[] {
  const pattern =
    /\s+|"(?:\\.|[^"\\])*"|`[^`]*`|'(?:\\.|[^'\\])'|:=|[|(),]|\$\w*(?:\.\w+)*|(?:\.\w+)+|\.|-?\d[\w.]*|\w+/gy;
  const tokens: string[] = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    if (match[0].trim() !== '') tokens.push(match[0]);
    at = match.index + match[0].length;
  }
  if (at !== text.length) throw wrong(`"${text.slice(at)}" is not understood`);
  return tokens;
}

function parseWord(token: string): Operand {
  if (token === '.') return { kind: 'field', root: undefined, names: [] };
  if (token.startsWith('.')) return { kind: 'field', root: undefined, names: token.slice(1).split('.') };
  if (token.startsWith('$')) {
    const [root = '$', ...names] = token.split('.');
    return { kind: 'field', root, names };
  }
  if (token.startsWith('"')) return { kind: 'literal', value: String(parseJson(token)) };
  if (token.startsWith('`') || token.startsWith("'")) return { kind: 'literal', value: token.slice(1, -1) };
  if (token === 'true' || token === 'false') return { kind: 'literal', value: token === 'true' };
  if (token === 'nil') return { kind: 'literal', value: undefined };
  if (/^-?\d/.test(token)) return { kind: 'literal', value: Number(token) };
  return { kind: 'function', name: token };
}

function parseOperand(tokens: Tokens): Operand {
  const token = take(tokens) ?? '';
  if (token !== '(') return parseWord(token);
  const pipeline = deeper(tokens, () => parseCommands(tokens, []));
  if (take(tokens) !== ')') throw wrong('a parenthesis is not closed');
  const after = peek(tokens) ?? '';
  if (!/^\.\w/.test(after)) return { kind: 'nested', pipeline, names: [] };
  take(tokens);
  return { kind: 'nested', pipeline, names: after.slice(1).split('.') };
}

/** Up to the end or a closing parenthesis. */
function parseCommands(tokens: Tokens, variables: readonly string[]): Pipeline {
  const commands: Operand[][] = [[]];
  for (let token = peek(tokens); token !== undefined && token !== ')'; token = peek(tokens)) {
    if (token === '|') {
      take(tokens);
      commands.push([]);
    } else {
      commands.at(-1)?.push(parseOperand(tokens));
    }
  }
  if (commands.some((command) => command.length === 0)) throw wrong('a command is missing');
  return { variables, commands };
}

function parsePipeline(text: string): Pipeline {
  const items = tokenize(text);
  const assign = items.indexOf(':=');
  const variables = assign < 0 ? [] : items.splice(0, assign + 1).filter((token) => token.startsWith('$'));
  const tokens: Tokens = { items, at: 0, depth: 0 };
  const pipeline = parseCommands(tokens, variables);
  if (peek(tokens) !== undefined) throw wrong('a parenthesis is not opened');
  return pipeline;
}

/** Reads nodes until `end` or `else`, which stays in front. */
function parseNodes(pieces: Pieces, nested: boolean): readonly Node[] {
  const nodes: Node[] = [];
  for (;;) {
    const piece = peek(pieces);
    if (piece === undefined) {
      if (nested) throw wrong('an {{end}} is missing');
      return nodes;
    }
    if (piece.kind === 'action' && /^(end$|else\b)/.test(piece.text)) {
      if (!nested) throw wrong(`{{${piece.text}}} has no beginning`);
      return nodes;
    }
    take(pieces);
    nodes.push(piece.kind === 'text' ? piece : parseAction(piece.text, pieces));
  }
}

function parseAction(text: string, pieces: Pieces): Node {
  const match = /^(if|range|with)\b([\s\S]*)$/.exec(text);
  if (match === null) return { kind: 'action', pipeline: parsePipeline(text) };
  const [, word, rest = ''] = match;
  const kind = word === 'if' || word === 'with' ? word : 'range';
  const pipeline = parsePipeline(rest);
  return deeper(pieces, () => {
    const body = parseNodes(pieces, true);
    return { kind, pipeline, body, otherwise: parseElse(pieces) };
  });
}

/** After a body: `{{end}}`, `{{else}}…{{end}}` or `{{else if …}}…`. */
function parseElse(pieces: Pieces): readonly Node[] {
  const text = take(pieces)?.text ?? '';
  if (text === 'end') return [];
  const chained = text.slice('else'.length).trim();
  if (chained !== '') return [parseAction(chained, pieces)];
  const nodes = parseNodes(pieces, true);
  if (take(pieces)?.text !== 'end') throw wrong('an {{end}} is missing');
  return nodes;
}

/** Throws `invalid`. */
export function parseGoTemplate(template: string): readonly Node[] {
  if (template.length > MAX_LENGTH) throw wrong(`it has ${template.length} characters, wanted at most ${MAX_LENGTH}`);
  return parseNodes({ items: splitPieces(template), at: 0, depth: 0 }, false);
}
