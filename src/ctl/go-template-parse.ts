// Reads the text of a Go template: https://pkg.go.dev/text/template, without nested template definitions.
import { OcicatError } from '../base/errors.ts';

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
  for (const match of template.matchAll(/\{\{(-\s)?((?:"(?:\\.|[^"\\])*"|`[^`]*`|(?!\}\})[\s\S])*?)(\s-)?\}\}/g)) {
    text(match.index, match[1] !== undefined);
    at = match.index + match[0].length;
    trimNext = match[3] !== undefined;
    const action = (match[2] ?? '').trim();
    if (!action.startsWith('/*')) pieces.push({ kind: 'action', text: action });
  }
  text(template.length, false);
  if (template.slice(at).includes('{{')) throw wrong('an action is not closed');
  return pieces;
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
  if (token.startsWith('"')) return { kind: 'literal', value: String(JSON.parse(token)) };
  if (token.startsWith('`') || token.startsWith("'")) return { kind: 'literal', value: token.slice(1, -1) };
  if (token === 'true' || token === 'false') return { kind: 'literal', value: token === 'true' };
  if (token === 'nil') return { kind: 'literal', value: undefined };
  if (/^-?\d/.test(token)) return { kind: 'literal', value: Number(token) };
  return { kind: 'function', name: token };
}

function parseOperand(tokens: string[]): Operand {
  const token = tokens.shift() ?? '';
  if (token !== '(') return parseWord(token);
  const pipeline = parseCommands(tokens, []);
  if (tokens.shift() !== ')') throw wrong('a parenthesis is not closed');
  const after = tokens[0] ?? '';
  if (!/^\.\w/.test(after)) return { kind: 'nested', pipeline, names: [] };
  tokens.shift();
  return { kind: 'nested', pipeline, names: after.slice(1).split('.') };
}

/** Up to the end or a closing parenthesis. */
function parseCommands(tokens: string[], variables: readonly string[]): Pipeline {
  const commands: Operand[][] = [[]];
  while (tokens.length > 0 && tokens[0] !== ')') {
    if (tokens[0] === '|') {
      tokens.shift();
      commands.push([]);
    } else {
      commands.at(-1)?.push(parseOperand(tokens));
    }
  }
  if (commands.some((command) => command.length === 0)) throw wrong('a command is missing');
  return { variables, commands };
}

function parsePipeline(text: string): Pipeline {
  const tokens = tokenize(text);
  const assign = tokens.indexOf(':=');
  const variables = assign < 0 ? [] : tokens.splice(0, assign + 1).filter((token) => token.startsWith('$'));
  const pipeline = parseCommands(tokens, variables);
  if (tokens.length > 0) throw wrong('a parenthesis is not opened');
  return pipeline;
}

/** Reads nodes until `end` or `else`, which stays in front. */
function parseNodes(pieces: Piece[], nested: boolean): readonly Node[] {
  const nodes: Node[] = [];
  for (;;) {
    const piece = pieces[0];
    if (piece === undefined) {
      if (nested) throw wrong('an {{end}} is missing');
      return nodes;
    }
    if (piece.kind === 'action' && /^(end$|else\b)/.test(piece.text)) {
      if (!nested) throw wrong(`{{${piece.text}}} has no beginning`);
      return nodes;
    }
    pieces.shift();
    nodes.push(piece.kind === 'text' ? piece : parseAction(piece.text, pieces));
  }
}

function parseAction(text: string, pieces: Piece[]): Node {
  const match = /^(if|range|with)\b([\s\S]*)$/.exec(text);
  if (match === null) return { kind: 'action', pipeline: parsePipeline(text) };
  const [, word, rest = ''] = match;
  const kind = word === 'if' || word === 'with' ? word : 'range';
  const pipeline = parsePipeline(rest);
  const body = parseNodes(pieces, true);
  return { kind, pipeline, body, otherwise: parseElse(pieces) };
}

/** After a body: `{{end}}`, `{{else}}…{{end}}` or `{{else if …}}…`. */
function parseElse(pieces: Piece[]): readonly Node[] {
  const text = pieces.shift()?.text ?? '';
  if (text === 'end') return [];
  const chained = text.slice('else'.length).trim();
  if (chained !== '') return [parseAction(chained, pieces)];
  const nodes = parseNodes(pieces, true);
  if (pieces.shift()?.text !== 'end') throw wrong('an {{end}} is missing');
  return nodes;
}

/** Throws `invalid`. */
export function parseGoTemplate(template: string): readonly Node[] {
  return parseNodes([...splitPieces(template)], false);
}
