// Spelling: canonical forms, refusals that point into the text, and properties over random selectors and bytes.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { isOcicatError } from '../base/errors.ts';
import { formatSelector, selectorId } from './format.ts';
import { parseSelector, tryParseSelector } from './parse.ts';
import { mentionsGlobal, prefixLabels, replaceUniversal } from './rewrite.ts';
import { type Selector, sortedValues } from './selector.ts';

describe('canonical form', () => {
  const table: readonly (readonly [text: string, canonical: string])[] = [
    ['', 'all()'],
    [' (all() )', 'all()'],
    ['all( )', 'all()'],
    ['global(\t)', 'global()'],
    ['((has(a)))', 'has(a)'],
    ['has( a )', 'has(a)'],
    ['! (has( b)||! has(a ))', '!(has(b) || !has(a))'],
    ['! (a == "b"&&! c != "d")', '!(a == "b" && !c != "d")'],
    ["a=='b'", 'a == "b"'],
    ['a =="b"', 'a == "b"'],
    [`a == "'"`, `a == "'"`],
    [`a == '"'`, `a == '"'`],
    ["a!='b'", 'a != "b"'],
    ["a contains'b'", 'a contains "b"'],
    ["a starts \t with 'b'", 'a starts with "b"'],
    ["a startswith'b'", 'a starts with "b"'],
    ["a endswith 'b'", 'a ends with "b"'],
    ["a in{'d'}", 'a in {"d"}'],
    ["a in {'z','x','y','x','a',}", 'a in {"a", "x", "y", "z"}'],
    ["a notin {'b'}", 'a not in {"b"}'],
    ['a in { }', 'a in {}'],
    ['has(a) && has(b) && has(c)', '(has(a) && has(b) && has(c))'],
    ['has(a) || has(b) && has(c)', '(has(a) || (has(b) && has(c)))'],
    ['(has(a) && has(b)) && has(c)', '((has(a) && has(b)) && has(c))'],
    ['!!has(a)', 'has(a)'],
    ['! ! !(has(a) || !!has(b))', '!(has(a) || has(b))'],
    ['a-b_c.d/e == "1"', 'a-b_c.d/e == "1"'],
    ['-a == "1"', '-a == "1"'],
  ];
  for (const [text, canonical] of table) {
    test(`"${text}"`, () => {
      const selector = parseSelector(text);
      expect(formatSelector(selector)).toBe(canonical);
      expect(parseSelector(canonical)).toEqual(selector);
    });
  }
});

test('of a row of negations only its parity counts, and the set is that of the plain selector', () => {
  const [plain, twice, thrice] = ['has(a)', '!!has(a)', '!!!has(a)'].map(parseSelector);
  expect([plain, twice, thrice].map((one) => one && selectorId(one))).toEqual([
    's:JpRGrxZ4kdS6g7WoF-uG_g7qlh2ipw2zGYBMpQ',
    's:JpRGrxZ4kdS6g7WoF-uG_g7qlh2ipw2zGYBMpQ',
    's:o54_r2fLf2o-LJfoAaKVj8JvPRHKmJA2mXVR7g',
  ]);
});

test('a negation in parentheses stays, as in Calico', () => {
  const selector = parseSelector('!(!has(a))');
  expect(formatSelector(selector)).toBe('!!has(a)');
  expect(parseSelector(formatSelector(selector))).toEqual({ kind: 'has', label: 'a' });
});

test('identifiers are those of Calico', () => {
  const ids = ['', ' (all() )', '! (has( b)||! has(a ))', '! (a == "b"&&! c != "d")'].map((text) =>
    selectorId(parseSelector(text)),
  );
  expect(ids).toEqual([
    's:5y5I3VdRZfDU01O--xXAPx2yxCQQqMf0M6IWug',
    's:5y5I3VdRZfDU01O--xXAPx2yxCQQqMf0M6IWug',
    's:Iss0uCleLYv1GSv_pNm7hAO58kE9jAx1NKyG3Q',
    's:lh3haoY1ikTRkd4UZu0nWSaIBknYLPJLX16d-w',
  ]);
});

describe('refused, with the place', () => {
  const table: readonly (readonly [text: string, column: number, found: string, wanted: string])[] = [
    ['a', 2, 'end of text', 'an operator after label "a"'],
    ['a ', 3, 'end of text', 'an operator after label "a"'],
    ['a b', 3, '"b"', 'an operator after label "a"'],
    ['a has(b)', 3, '"has(b)"', 'an operator after label "a"'],
    ['a all()', 3, '"all()"', 'an operator after label "a"'],
    ['a == b', 6, '"b"', 'a quoted string'],
    ['a ==', 5, 'end of text', 'a quoted string'],
    ['a != {', 6, '"{"', 'a quoted string'],
    ['a contains b', 12, '"b"', 'a quoted string'],
    ['a contains', 11, 'end of text', 'a quoted string'],
    ["a containsx 'b'", 3, `"containsx 'b'"`, 'an operator after label "a"'],
    ["a starts 'b'", 3, `"starts 'b'"`, 'an operator after label "a"'],
    ["a starts withx 'b'", 3, `"starts withx 'b'"`, 'an operator after label "a"'],
    ["a ends 'b'", 3, `"ends 'b'"`, 'an operator after label "a"'],
    ["a not 'b'", 3, `"not 'b'"`, 'an operator after label "a"'],
    ["a inx {'b'}", 3, `"inx {'b'}"`, 'an operator after label "a"'],
    ["a In {'b'}", 3, `"In {'b'}"`, 'an operator after label "a"'],
    ["a = 'b'", 3, `"= 'b'"`, '=='],
    ["a === 'b'", 5, `"= 'b'"`, '=='],
    ["a == 'b' & has(c)", 10, '"& has(c)"', '&&'],
    ["a == 'b' | has(c)", 10, '"| has(c)"', '||'],
    ["a == 'b' &&", 12, 'end of text', 'a label, has(), all(), global(), ! or ('],
    ["|| a == 'b'", 1, `"|| a == 'b'"`, 'a label, has(), all(), global(), ! or ('],
    ['has(a) && && has(b)', 11, '"&& has(b)"', 'a label, has(), all(), global(), ! or ('],
    ['has(a) has(b)', 8, '"has(b)"', '&&, || or the end of the text'],
    ["a == 'b' c", 10, '"c"', '&&, || or the end of the text'],
    ["a == 'b' 'c'", 10, `"'c'"`, '&&, || or the end of the text'],
    ['has (a)', 5, '"(a)"', 'an operator after label "has"'],
    ['all ()', 5, '"()"', 'an operator after label "all"'],
    ['global ()', 8, '"()"', 'an operator after label "global"'],
    ['has()', 5, '")"', 'a label name after has('],
    ["has('a')", 5, `"'a')"`, 'a label name after has('],
    ['has(a', 6, 'end of text', 'a closing ) after has('],
    ['has(a b)', 7, '"b)"', 'a closing ) after has('],
    ['all(', 5, 'end of text', 'a closing ) after all('],
    ['all(a)', 5, '"a)"', 'a closing ) after all('],
    ['global(a)', 8, '"a)"', 'a closing ) after global('],
    ['(', 2, 'end of text', 'a label, has(), all(), global(), ! or ('],
    [')', 1, '")"', 'a label, has(), all(), global(), ! or ('],
    ['()', 2, '")"', 'a label, has(), all(), global(), ! or ('],
    ['(has(a)', 8, 'end of text', '&&, || or a closing )'],
    ['(has(a) has(b))', 9, '"has(b))"', '&&, || or a closing )'],
    ['has(a))', 7, '")"', '&&, || or the end of the text'],
    ['!', 2, 'end of text', 'a label, has(), all(), global(), ! or ('],
    ["! == 'a'", 3, `"== 'a'"`, 'a label, has(), all(), global(), ! or ('],
    ["'b1' == b", 1, `"'b1' == b"`, 'a label, has(), all(), global(), ! or ('],
    ['"FOO', 1, '""FOO"', 'a closing " (unterminated string)'],
    ["a == 'FOO", 6, `"'FOO"`, "a closing ' (unterminated string)"],
    [`a == "FOO'`, 6, `""FOO'"`, 'a closing " (unterminated string)'],
    ["a == 'it\\'s'", 12, `"'"`, "a closing ' (unterminated string)"],
    ["a in 'b'", 6, `"'b'"`, 'a set in braces'],
    ['a in', 5, 'end of text', 'a set in braces'],
    ['a in {', 7, 'end of text', 'a quoted string or a closing }'],
    ['a in {,}', 7, '",}"', 'a quoted string or a closing }'],
    ['a in {b}', 7, '"b}"', 'a quoted string or a closing }'],
    ["a in {'b' 'c'}", 11, `"'c'}"`, 'a comma or a closing }'],
    ["a in {'b',,}", 11, '",}"', 'a comma or a closing }'],
    ["a in {'b'", 10, 'end of text', 'a comma or a closing }'],
    ["a in {'b')", 10, '")"', 'a comma or a closing }'],
    ['%', 1, '"%"', 'a label, a string, an operator or a parenthesis'],
    ["a == 'b' && %", 13, '"%"', 'a label, a string, an operator or a parenthesis'],
    ['a % b', 3, '"% b"', 'an operator after label "a"'],
    ['has(a)\n', 7, '"\n"', 'a label, a string, an operator or a parenthesis'],
    ['ä == "b"', 1, '"ä == "b""', 'a label, a string, an operator or a parenthesis'],
    ['a == "b" "', 10, '"""', 'a closing " (unterminated string)'],
    ['a\u0000 == "b"', 2, '"\u0000 == "b""', 'an operator after label "a"'],
    ['has(\ud800)', 1, '"has(\ud800)"', 'well-formed Unicode text'],
  ];
  for (const [text, column, found, wanted] of table) {
    test(JSON.stringify(text), () => {
      let error: unknown;
      try {
        parseSelector(text);
      } catch (thrown) {
        error = thrown;
      }
      if (!isOcicatError(error, 'invalid')) throw new Error(`not refused as invalid: ${error}`);
      expect(error.message).toBe(`parse selector "${text}": at column ${column}: ${found} found, ${wanted} wanted`);
      expect(error.issues).toEqual([{ path: '', found, wanted, column }]);
      expect(tryParseSelector(text)).toBeUndefined();
    });
  }
});

describe('limits', () => {
  const label = 'l'.repeat(512);
  const value = 'v'.repeat(1024 - 'a == ""'.length);
  test('a label of 512 characters', () => expect(formatSelector(parseSelector(`has(${label})`))).toBe(`has(${label})`));
  test('one more is refused', () => {
    expect(() => parseSelector(`has(${label}l)`)).toThrow(
      'at column 5: "llllllllllllllllllll…" found, a label of at most 512 characters wanted',
    );
    expect(() => parseSelector(`${label}l == 'x'`)).toThrow('a label of at most 512 characters wanted');
  });
  test('a text of 1024 characters', () =>
    expect(parseSelector(`a == "${value}"`)).toEqual({ kind: 'equals', label: 'a', value }));
  test('one more is refused', () => {
    expect(() => parseSelector(`a == "${value}v"`)).toThrow(
      'at column 1025: """ found, at most 1024 characters wanted',
    );
  });
  test('nesting as deep as the text allows', () => {
    expect(parseSelector(`${'('.repeat(508)}has(a)${')'.repeat(508)}`)).toEqual({ kind: 'has', label: 'a' });
    expect(formatSelector(parseSelector(`${'!'.repeat(1017)}has(a)`))).toBe('!has(a)');
  });
});

const label = fc.oneof(
  fc.constantFrom('a', 'in', 'has', 'all', 'not', 'contains', 'starts', 'global', 'x/y.z-_'),
  fc.stringMatching(/^[A-Za-z0-9_./-]{1,12}$/),
);
const value = fc.oneof(
  fc.string({ maxLength: 8 }).map((text) => text.replaceAll('"', "'")),
  fc.string({ maxLength: 8, unit: 'grapheme' }).map((text) => text.replaceAll("'", '"')),
);
const valueSet = fc.array(value, { maxLength: 4 }).map(sortedValues);
const { selector } = fc.letrec<{ selector: Selector; leaf: Selector }>((tie) => ({
  leaf: fc.oneof(
    fc.record({ kind: fc.constantFrom('all' as const, 'global' as const) }),
    fc.record({ kind: fc.constant('has' as const), label }),
    fc.record({ kind: fc.constantFrom('equals', 'differs', 'contains', 'starts-with', 'ends-with'), label, value }),
    fc.record({ kind: fc.constantFrom('in', 'not-in'), label, values: valueSet }),
  ) as fc.Arbitrary<Selector>,
  selector: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    tie('leaf'),
    tie('selector').map((operand) => (operand.kind === 'not' ? operand : { kind: 'not' as const, operand })),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      operands: fc.array(tie('selector'), { minLength: 2, maxLength: 3 }),
    }),
  ),
}));

describe('properties', () => {
  test('the canonical text means the same selector', () => {
    let parsed = 0;
    fc.assert(
      fc.property(selector, (one) => {
        const text = formatSelector(one);
        if (text.length > 1024) return;
        parsed++;
        expect(parseSelector(text)).toEqual(one);
      }),
      { seed: 31, numRuns: 1000 },
    );
    expect(parsed).toBeGreaterThan(900);
  });

  test('random text is a selector or an invalid one, nothing else', () => {
    const piece = fc.constantFrom(
      'a',
      ' ',
      '==',
      '!=',
      '!',
      '&&',
      '||',
      '(',
      ')',
      '{',
      '}',
      ',',
      "'",
      '"',
      'in',
      'has(',
      'all()',
      'not ',
      "'v'",
      '\t',
      'é',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 40 }),
          fc.array(piece, { maxLength: 14 }).map((all) => all.join('')),
        ),
        (text) => {
          try {
            const canonical = formatSelector(parseSelector(text));
            expect(formatSelector(parseSelector(canonical))).toBe(canonical);
          } catch (error) {
            if (!isOcicatError(error, 'invalid')) throw error;
            expect(error.issues).toHaveLength(1);
          }
        },
      ),
      { seed: 32, numRuns: 5000 },
    );
  });
});

describe('rewriting', () => {
  const text = "!(!(k == 'v' && has(t) || all()) && (a in {'b', 'c'} && x starts with 'y'))";
  test('labels get a prefix', () => {
    expect(formatSelector(prefixLabels(parseSelector(text), 'pcns.'))).toBe(
      '!(!((pcns.k == "v" && has(pcns.t)) || all()) && (pcns.a in {"b", "c"} && pcns.x starts with "y"))',
    );
  });
  test('all() and global() are replaced', () => {
    const replacement = { all: parseSelector('has(n)'), global: parseSelector('!has(n)') };
    expect(formatSelector(replaceUniversal(parseSelector('all() || !global()'), replacement))).toBe(
      '(has(n) || has(n))',
    );
    expect(formatSelector(replaceUniversal(parseSelector('all() || global()'), {}))).toBe('(all() || global())');
  });
  test('global() is found anywhere', () => {
    expect(mentionsGlobal(parseSelector('has(a) && !(has(b) || global())'))).toBe(true);
    expect(mentionsGlobal(parseSelector(text))).toBe(false);
  });
});
