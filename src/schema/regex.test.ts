import { expect, test } from 'bun:test';
import { isGoRegex } from './regex.ts';

// What regexp.Compile of Go 1.26 takes and refuses.
const taken = [
  ['', '^((en|wl|ww|sl|ib)[Popsx].*|(eth|wlan|wwan|bond).*)', 'a|', '()', '^*', '.{2,5}?', 'x{1000}', 'a{0}'],
  ['(?i)eth', '(?i-s:a)', '(?)', '(?-U)', '(?P<name>x)', '(?<name>x)(?<name>y)', 'a(?i)*', 'a*(?i)*', 'a*\\Q\\E*'],
  ['{', '{,5}', 'a{1', 'a{01}', 'a{2,', ']', '}', '\\Q(*', '\\Q(\\E*'],
  ['\\pL', '\\PL', '\\p{Greek}', '\\p{^Greek}', '\\p{uppercase_letter}', '\\p{Any}', '\\d\\D\\s\\S\\w\\W\\A\\b\\B\\z'],
  ['\\x41', '\\x{10FFFF}', '\\0', '\\012', '\\12', '\\_', '\\-', '\\a\\f\\n\\r\\t\\v'],
  ['[]a]', '[^]a]', '[a-]', '[-a]', '[\\d-z]', '[[:alpha:]-z]', '[[:^word:]]', '[[:a]', '[\\x{61}-\\x62]', '[+--]'],
  ['((x{10}){10}){10}', '((x{1000}){0}){1000}', '(x{500}|y){2}', 'x{500}y{500}', '(x*){1000}', '(x{2,}){500}'],
].flat();
const refused = [
  ['(', ')', '(?', '(?:', 'a)', '[', '[]', '[^]', '[a-', '\\', '*', '|*', '(*)', '(?i)*', '(?:+)'],
  ['a**', 'a*+', 'a??+', 'a{2}{3}', 'x{1001}', 'x{2,1001}', 'x{3,2}', '\\d{1,2000}'],
  ['(?=x)', '(?!x)', '(?<=x)', '(?>x)', '(?x)a', '(?P<>x)', '(?P<a-b>x)', '(?P=a)', '(?-:x)', '(?i-)', "(?'a'x)"],
  ['\\1', '(a)\\1', '\\8', '\\Z', '\\G', '\\C', '\\E', '\\q', '\\é', '\\x4', '\\x{}', '\\x{110000}', '\\k<a>'],
  ['\\p', '\\p{', '\\p{}', '\\p{Foo}', '\\p{Script=Greek}', '\\p{Old_Italic}', '[\\p{Foo}]'],
  ['[z-a]', '[a-\\d]', '[\\b]', '[\\Q]', '[[:foo:]]', '[[::]]', '[\\x{110000}]'],
  ['(x{100}){100}', '((x{11}){10}){10}', '(x{500}|y{501}){2}', '(a(b{1000})){2}'],
].flat();

test.each(taken)('%j is taken', (text) => expect(isGoRegex(text)).toBe(true));
test.each(refused)('%j is refused', (text) => expect(isGoRegex(text)).toBe(false));
