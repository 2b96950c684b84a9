import { expect, test } from 'bun:test';
import { escapeText } from '../base/escape.ts';
import { besideColours, paintColours, paintNothing, wantsColours } from './paint.ts';

test('colours are for terminals that have them, and for who has not said no', () => {
  expect(wantsColours(true, { TERM: 'xterm' })).toBe(true);
  expect(wantsColours(true, { NO_COLOR: '' })).toBe(true);
  expect(wantsColours(false, { TERM: 'xterm' })).toBe(false);
  expect(wantsColours(true, { NO_COLOR: '1' })).toBe(false);
  expect(wantsColours(true, { TERM: 'dumb' })).toBe(false);
});

test('what is painted is coloured, and every other escape sequence is shown', () => {
  const text = `${paintColours('bad', 'denied')} by \x1b[5mme\x1b[2J`;
  expect(besideColours(text, escapeText)).toBe('\x1b[31mdenied\x1b[0m by \\x1b[5mme\\x1b[2J');
  expect(paintNothing('bad', 'denied')).toBe('denied');
});
