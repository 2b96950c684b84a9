// What a template, a path, a patch or an expression asks for has bounds, and says so at once.
import { expect, test } from 'bun:test';
import { isGoRegex } from '../schema/regex.ts';
import { printGoTemplate } from './output/go-template.ts';
import { printJsonPath } from './output/jsonpath.ts';
import { applyPatch } from './resource/patch-apply.ts';

const many = {
  items: Array.from({ length: 400 }, (_, index) => ({ name: `n${index}`, spec: { text: 'x'.repeat(100) } })),
};

function timed(work: () => unknown): readonly [message: string, isQuick: boolean] {
  const startedMs = performance.now();
  try {
    work();
    return ['', performance.now() - startedMs < 20_000];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error), performance.now() - startedMs < 20_000];
  }
}

const thrice = (inside: string) =>
  `{{range $a := .items}}{{range $b := $.items}}{{range $c := $.items}}${inside}{{end}}{{end}}{{end}}`;
const each = (inside: string) => `{{range .}}${inside.replaceAll('$.', '(index $ 0).')}{{end}}`;

test.each<[string, string, string]>([
  ['a width', '{{printf "%1000000000s" "a"}}', 'printf: a width of 1000000000, wanted at most 10000'],
  ['a negative width', '{{printf "%-1000000000s" "a"}}', 'printf: a width of 1000000000, wanted at most 10000'],
  ['a precision', '{{printf "%.1000000000f" 1}}', 'printf: 1000000000 digits, wanted at most 100'],
  ['many widths', `{{printf "${'%10000s'.repeat(10_000)}"}}`, 'its text has more than 67108864 characters'],
  ['loops in loops', each(thrice('')), 'it goes on for more than 10000000 steps'],
  [
    'a text that doubles',
    `{{$a := "0123456789"}}${'{{$a := print $a $a}}'.repeat(40)}`,
    'its text has more than 67108864 characters',
  ],
  ['a text of loops', each(thrice('{{printf "%10000s" ""}}')), 'its text has more than 67108864 characters'],
  [
    'parentheses',
    `{{${'('.repeat(200_000)}.a${')'.repeat(200_000)}}}`,
    'it is nested too deeply, wanted at most 100 levels',
  ],
  ['conditions', '{{if .}}'.repeat(50_000), 'it is nested too deeply, wanted at most 100 levels'],
  [
    'else after else',
    `{{if .}}${'{{else if .}}'.repeat(50_000)}`,
    'it is nested too deeply, wanted at most 100 levels',
  ],
  ['a length', 'a'.repeat(2_000_000), 'it has 2000000 characters, wanted at most 1048576'],
  ['quotes without end', `{{${'""'.repeat(100_000)}`, 'an action is not closed'],
  [
    'variables',
    Array.from({ length: 500 }, (_, index) => `{{$v${index} := 1}}`).join(''),
    'it has more than 100 variables',
  ],
])('a go-template is bounded: %s', (_name, template, expected) => {
  const [message, isQuick] = timed(() => printGoTemplate(template, [many], {}));
  expect([message.replace(/^(read|run) go-template: /, ''), isQuick]).toEqual([expected, true]);
});

test.each<[string, string, string]>([
  ['ranges', '{range .items[*]}'.repeat(100), 'ranges inside of each other, at most 20 wanted'],
  ['descents', `{${'..a'.repeat(100)}}`, '".." more than 5 times in a path'],
  ['a length', `{.a}${' '.repeat(100_000)}`, 'more than 65536 characters'],
  ['parentheses', `{.items[?${'('.repeat(30_000)}@.a${')'.repeat(30_000)}]}`, 'is no path'],
  ['a text', '{range .items[*]}{range $.x}{end}{$}{end}', ''],
])('a jsonpath is bounded: %s', (_name, template, expected) => {
  const [message, isQuick] = timed(() => printJsonPath(template, many));
  expect([message.endsWith(expected), isQuick]).toEqual([true, true]);
});

test('a JSON patch that doubles the document again and again is refused', async () => {
  const copies = Array.from({ length: 40 }, (_, index) => ({ op: 'copy', from: '', path: `/n${index}` }));
  await expect(applyPatch('json', many, copies)).rejects.toThrow('JSON patch: the document grows beyond 10 MB');
  const tests = Array.from({ length: 1_001 }, () => ({ op: 'test', path: '/a', value: 1 }));
  await expect(applyPatch('json', { a: 1 }, tests)).rejects.toThrow('JSON patch: 1001 operations, wanted at most 1000');
});

test('whether a text is a regular expression is known at once, whatever the text', () => {
  const texts = [
    '[[:'.repeat(100_000),
    `[${'[:'.repeat(2_000)}`,
    '\\p{'.repeat(1_300),
    '('.repeat(4_096),
    '(a*)*'.repeat(800),
  ];
  expect(timed(() => texts.map(isGoRegex))).toEqual(['', true]);
  expect(isGoRegex('a'.repeat(4_097))).toBe(false);
});
