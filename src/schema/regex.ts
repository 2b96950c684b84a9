// Whether a text is a regular expression in the syntax of RE2 as Go's package regexp reads it. Calico's programs compile
// patterns with that; JavaScript has other groups, classes and escapes. Memory that an expression takes is not looked at.

/** What `\p{…}` takes: general categories by both names, and scripts of one word (Go 1.26; it misses the others). */
const unicodeNames = new Set(
  `
  any ascii assigned c casedletter cc cf closepunctuation cn cntrl co combiningmark connectorpunctuation control cs
  currencysymbol dashpunctuation decimalnumber digit enclosingmark finalpunctuation format initialpunctuation l lc
  letter letternumber lineseparator ll lm lo lowercaseletter lt lu m mark mathsymbol mc me mn modifierletter
  modifiersymbol n nd nl no nonspacingmark number openpunctuation other otherletter othernumber otherpunctuation
  othersymbol p paragraphseparator pc pd pe pf pi po privateuse ps punct punctuation s sc separator sk sm so
  spaceseparator spacingmark surrogate symbol titlecaseletter unassigned uppercaseletter z zl zp zs adlam ahom arabic
  armenian avestan balinese bamum batak bengali bhaiksuki bopomofo brahmi braille buginese buhid carian chakma cham
  cherokee chorasmian common coptic cuneiform cypriot cyrillic deseret devanagari dogra duployan elbasan elymaic
  ethiopic georgian glagolitic gothic grantha greek gujarati gurmukhi han hangul hanunoo hatran hebrew hiragana
  inherited javanese kaithi kannada katakana kawi kharoshthi khmer khojki khudawadi lao latin lepcha limbu lisu lycian
  lydian mahajani makasar malayalam mandaic manichaean marchen medefaidrin miao modi mongolian mro multani myanmar
  nabataean nandinagari newa nko nushu ogham oriya osage osmanya palmyrene phoenician rejang runic samaritan
  saurashtra sharada shavian siddham sinhala sogdian soyombo sundanese syriac tagalog tagbanwa takri tamil tangsa
  tangut telugu thaana thai tibetan tifinagh tirhuta toto ugaritic vai vithkuqi wancho yezidi yi
`
    .trim()
    .split(/\s+/),
);
const posixNames = 'alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit'.split(' ');
/** Longer texts are refused: classes are looked for to the end of the text. */
const MAX_LENGTH = 4096;
/** How often a part may be repeated, counting the repetitions around it. */
const MAX_REPEATS = 1000;
const MAX_CHARACTER = 0x10ffff;

const escaped = /\\(?:0[0-7]{0,2}|[1-7][0-7]{1,2}|x([0-9a-fA-F]{2})|x\{([0-9a-fA-F]+)\}|[aftnrv]|[\0-/:-@[-`{-\x7f])/y;
const controls: Readonly<Record<string, number>> = { a: 7, t: 9, n: 10, v: 11, f: 12, r: 13 };
const perlClass = /\\[dDsSwW]/y;
const unicodeClass = /\\[pP](?:\{\^?([^}]*)\}|([^{]))/uy;
const posixClass = /\[:\^?([\s\S]*?):\]/y;
const assertion = /\\[AbBz]/y;
const quoted = /\\Q([\s\S]*?)(?:\\E|$)/y;
const capture = /\((?:\?P?<\w+>|(?!\?))/y;
const flags = /\(\?[imsU]*(?:-[imsU]+)?([:)])/y;
const repetition = /(?:[*+?]|\{(0|[1-9]\d*)(?:(,)(0|[1-9]\d*)?)?\})\??/y;
const character = /[\s\S]/uy;

/** A text and the place in it that the next token begins at. */
interface Reading {
  readonly text: string;
  at: number;
}

/** An open group: what was found in it so far. */
interface Group {
  /** How often parts before the last one are repeated inside of themselves, at most. */
  before: number;
  /** The same of the last part, which a repetition would repeat; undefined where none stands. */
  last: number | undefined;
}

interface Parsing extends Reading {
  group: Group;
  readonly outer: Group[];
  /** Whether the token before was a repetition. */
  isRepeated: boolean;
}

/** The token at the present place, which moves past it; undefined if it is another one. */
function take(reading: Reading, token: RegExp): RegExpExecArray | undefined {
  token.lastIndex = reading.at;
  const match = token.exec(reading.text);
  if (match === null) return undefined;
  reading.at += match[0].length;
  return match;
}

/** One character, by itself or escaped, as its number; undefined if there is none or its escape is none. */
function takeCharacter(reading: Reading): number | undefined {
  if (reading.text[reading.at] !== '\\') return take(reading, character)?.[0].codePointAt(0);
  const match = take(reading, escaped);
  if (match === undefined) return undefined;
  const hex = match[1] ?? match[2];
  const name = match[0].slice(1);
  if (hex === undefined) return /^\d/.test(name) ? Number.parseInt(name, 8) : (controls[name] ?? name.charCodeAt(0));
  const code = Number.parseInt(hex, 16);
  return code <= MAX_CHARACTER ? code : undefined;
}

/** `\d`, `\pL`, `\p{Greek}` and, in brackets, `[:alpha:]`: whether there is one; false as well if its name is none. */
function takeNamedClass(reading: Reading, inBrackets: boolean): 'taken' | 'wrong' | 'absent' {
  if (take(reading, perlClass) !== undefined) return 'taken';
  const unicode = take(reading, unicodeClass);
  if (unicode !== undefined) {
    const name = (unicode[1] ?? unicode[2] ?? '').toLowerCase().replace(/[-_ ]/g, '');
    return unicodeNames.has(name) ? 'taken' : 'wrong';
  }
  const posix = inBrackets ? take(reading, posixClass) : undefined;
  if (posix === undefined) return 'absent';
  return posixNames.includes(posix[1] ?? '') ? 'taken' : 'wrong';
}

/** A character or a range of them in brackets; false if it is none. */
function takeRange(reading: Reading): boolean {
  const first = takeCharacter(reading);
  if (first === undefined) return false;
  const next = reading.text[reading.at + 1];
  if (reading.text[reading.at] !== '-' || next === undefined || next === ']') return true;
  reading.at += 1;
  const last = takeCharacter(reading);
  return last !== undefined && first <= last;
}

/** `[a-z]`; false if it is none or does not end. */
function takeBrackets(reading: Reading): boolean {
  reading.at += reading.text[reading.at + 1] === '^' ? 2 : 1;
  for (let first = true; first || reading.text[reading.at] !== ']'; first = false) {
    const named = takeNamedClass(reading, true);
    if (named === 'wrong' || (named === 'absent' && !takeRange(reading))) return false;
  }
  reading.at += 1;
  return true;
}

/** One part that is no group; false if nothing that stands there is one. */
function takePart(reading: Reading): boolean {
  if (reading.text[reading.at] === '[') return takeBrackets(reading);
  if (take(reading, assertion) !== undefined) return true;
  const named = takeNamedClass(reading, false);
  return named === 'taken' || (named === 'absent' && takeCharacter(reading) !== undefined);
}

function repeatsOf({ before, last = 1 }: Group): number {
  return Math.max(before, last);
}

function addPart(group: Group, repeats: number): void {
  group.before = repeatsOf(group);
  group.last = repeats;
}

/** How often a part is repeated by `*`, `{3}` or `{2,5}` and inside of it; undefined for too often. */
function computeRepeats([, least, comma, most]: RegExpExecArray, inside: number): number | undefined {
  if (least === undefined) return inside;
  const min = Number(least);
  const max = comma === undefined ? min : most === undefined ? undefined : Number(most);
  if (min > MAX_REPEATS || (max ?? min) > MAX_REPEATS || (max ?? min) < min) return undefined;
  if (max === 0) return 1;
  const repeats = Math.max(max ?? min, 1) * inside;
  return repeats <= MAX_REPEATS ? repeats : undefined;
}

function repeatLast(parsing: Parsing, repeat: RegExpExecArray): boolean {
  const { group } = parsing;
  if (parsing.isRepeated || group.last === undefined) return false;
  group.last = computeRepeats(repeat, group.last);
  parsing.isRepeated = true;
  return group.last !== undefined;
}

/** `(`, `(?:`, `(?i)`, `(?P<name>`; false for anything else with a question mark. */
function openGroup(parsing: Parsing): boolean {
  if (take(parsing, capture) === undefined) {
    const end = take(parsing, flags)?.[1];
    if (end !== ':') return end === ')'; // which is no group
  }
  parsing.outer.push(parsing.group);
  parsing.group = { before: 1, last: undefined };
  return true;
}

function closeGroup(parsing: Parsing): boolean {
  const outer = parsing.outer.pop();
  if (outer === undefined) return false;
  addPart(outer, repeatsOf(parsing.group));
  parsing.group = outer;
  parsing.at += 1;
  return true;
}

function startAlternative(parsing: Parsing): boolean {
  parsing.group = { before: repeatsOf(parsing.group), last: undefined };
  parsing.at += 1;
  return true;
}

/** False if the next token cannot stand there or is none. */
function takeToken(parsing: Parsing): boolean {
  const repeat = take(parsing, repetition);
  if (repeat !== undefined) return repeatLast(parsing, repeat);
  parsing.isRepeated = false;
  const literal = take(parsing, quoted)?.[1];
  if (literal === '') return true;
  switch (literal === undefined ? parsing.text[parsing.at] : undefined) {
    case '(':
      return openGroup(parsing);
    case ')':
      return closeGroup(parsing);
    case '|':
      return startAlternative(parsing);
  }
  if (literal === undefined && !takePart(parsing)) return false;
  addPart(parsing.group, 1);
  return true;
}

/** Whether Go's regexp.Compile takes the text, and it has at most 4096 characters. */
export function isGoRegex(text: string): boolean {
  if (text.length > MAX_LENGTH) return false;
  const group: Group = { before: 1, last: undefined };
  const parsing: Parsing = { text, at: 0, group, outer: [], isRepeated: false };
  while (parsing.at < text.length) if (!takeToken(parsing)) return false;
  return parsing.outer.length === 0;
}
