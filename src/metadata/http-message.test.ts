import { expect, test } from 'bun:test';
import { parseForm, parseHead, printAnswer, textAnswer } from './http-message.ts';

test('a request head is read', () => {
  const head =
    'POST /t%2fk/a%20b/?x=1?2 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Type: Text/Plain; q=1\r\nExpect: 100-continue';
  expect(parseHead(head)).toEqual({
    method: 'POST',
    segments: ['t/k', 'a b', ''],
    query: 'x=1?2',
    bodyBytes: 5,
    contentType: 'text/plain',
    expectsContinue: true,
  });
});

test.each([
  ['', 400],
  ['GET', 400],
  ['GET / HTTP/2.0', 400],
  ['GET http://h/ HTTP/1.1', 400],
  ['GET  / HTTP/1.1', 400],
  ['get / HTTP/1.1', 400],
  ['GET /\u00ff HTTP/1.1', 400],
  ['GET /%zz HTTP/1.1', 400],
  ['GET /%ff HTTP/1.1', 400],
  ['GET / HTTP/1.1\r\nno colon', 400],
  ['GET / HTTP/1.1\r\n folded: x', 400],
  ['GET / HTTP/1.1\r\nName : x', 400],
  ['GET / HTTP/1.1\r\nname: a\0b', 400],
  ['GET / HTTP/1.1\nname: b', 400],
  ['POST / HTTP/1.1\r\nContent-Length: -1', 400],
  ['POST / HTTP/1.1\r\nContent-Length: 1e3', 400],
  ['POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1', 400],
  ['POST / HTTP/1.1\r\nContent-Length: 9999999999999', 400],
  ['POST / HTTP/1.1\r\nTransfer-Encoding: chunked', 501],
  ['POST / HTTP/1.1\r\ntransfer-encoding: identity\r\nContent-Length: 3', 501],
])('the head %j is refused with %d', (head, status) => {
  expect(parseHead(head)).toBe(status);
});

test('a form keeps every byte, so that two contents are never taken for one', () => {
  const content = (form: string) => parseForm(Buffer.from(form, 'latin1'))?.get('content');
  expect(content('a=b&content=x+y%3Dz%26=')).toEqual(Buffer.from('x y=z&='));
  expect(content('content=%ff')).toEqual(Buffer.of(0xff));
  expect(content('content=%fe')).toEqual(Buffer.of(0xfe));
  expect(content('content')).toEqual(Buffer.alloc(0));
  for (const broken of ['content=%', 'content=%f', 'content=%zz', 'content=a&content=b']) {
    expect(parseForm(Buffer.from(broken))).toBeUndefined();
  }
});

test('an answer counts bytes, not characters', () => {
  expect(printAnswer(textAnswer(403, 'é')).toString()).toBe(
    'HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Length: 2\r\nCache-Control: no-store\r\nConnection: close\r\n\r\né',
  );
});
