import { expect, test } from 'bun:test';
import { decode } from 'dns-packet';
import fc from 'fast-check';
import { printQuery, printResponse, queryOf, show } from '../../test/support/dns/messages.ts';
import { formatIp, ipv4Of, parseIp } from '../net/ip.ts';
import { answerCode, answerCut, answerKnown, answerNoName } from './answer.ts';
import { createAnswerCache } from './cache.ts';
import { createFairShare } from './fair-share.ts';
import { answers, lifetimeSeconds, printAnswer, printForwarded } from './forwarded.ts';
import { keyOf, type Query, readQuery } from './query.ts';
import { createRateLimiter } from './rate.ts';
import { parseNameservers } from './resolv-conf.ts';
import { frame, readMessages } from './stream.ts';
import { idOf, questionOf, viewOf } from './wire.ts';

const names = (list: readonly string[]) => ({ addresses: [], names: list });
const addresses = (...list: readonly string[]) => ({ addresses: list.map(parseIp), names: [] });

test('a question says what it asks and what its asker takes', () => {
  const { name, type, isInternet, edns, udpBytes, id } = queryOf('WeB.Network1', { type: 'AAAA', id: 4711 });
  expect([name, type, isInternet, edns, udpBytes, id]).toEqual(['web.network1', 28, true, undefined, 512, 4711]);
  expect(queryOf('web', { udpBytes: 4096 })).toMatchObject({ edns: { dnssecOk: false }, udpBytes: 1232 });
  expect(queryOf('web', { udpBytes: 100 }).udpBytes).toBe(512);
  expect(queryOf('.').name).toBe('');
});

/** A question with these labels, whatever bytes are in them. */
function withLabels(...labels: readonly string[]): Uint8Array {
  const name = Buffer.concat([...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label, 'latin1')]))]);
  return Uint8Array.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 0, 1, 0, 1]);
}

test('a label with a dot in it, or with other bytes, is no name of ours, and is passed on as it is', () => {
  for (const labels of [['web.network1'], ['a\x00b'], ['\xff'], ['a b']]) {
    const read = readQuery(withLabels(...labels));
    if (read.kind !== 'query') throw new Error(read.kind);
    expect([labels, read.query.name]).toEqual([labels, undefined]);
    expect(printForwarded(read.query, 9).subarray(12)).toEqual(withLabels(...labels).subarray(12));
  }
});

const patched = (at: number, value: number): Uint8Array => {
  const bytes = Uint8Array.from(printQuery('web'));
  viewOf(bytes).setUint16(at, value);
  return bytes;
};

test.each([
  ['another operation', patched(2, 0x2800), 'NOTIMP'],
  ['two questions', patched(4, 2), 'FORMERR'],
  ['65535 answers', patched(6, 65_535), 'FORMERR'],
  ['more records than there are', patched(10, 2), 'FORMERR'],
  [
    'a question that points into the header',
    Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 4, 0, 1, 0, 1),
    'FORMERR',
  ],
])('%s is refused', (_what, bytes, code) => {
  const read = readQuery(bytes);
  if (read.kind !== 'fault') throw new Error(read.kind);
  expect([idOf(read.answer), show(read.answer)]).toEqual([idOf(bytes), code]);
});

test('an answer is not answered, nor is what is too short to say who asks', () => {
  for (const bytes of [patched(2, 0x8000), new Uint8Array(11), new Uint8Array()])
    expect(readQuery(bytes)).toEqual({ kind: 'ignored' });
});

test('any bytes are read without a throw, and what is read asks what they ask', () => {
  const noise = fc.uint8Array({ maxLength: 80 });
  const mutated = fc.tuple(fc.nat(60), fc.nat(255)).map(([at, value]) => {
    const bytes = Uint8Array.from(printQuery('some.name', { udpBytes: 1000 }));
    bytes[at % bytes.length] = value;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(noise, mutated), (bytes) => {
      const read = readQuery(bytes);
      if (read.kind !== 'query') return;
      expect(printForwarded(read.query, 1).subarray(12, 12 + read.query.question.length)).toEqual(read.query.question);
      for (const answer of [answerNoName(read.query), answerCode(read.query, 'refused'), answerCut(read.query)])
        expect(answer.subarray(12, 12 + read.query.question.length)).toEqual(read.query.question);
    }),
    { numRuns: 3_000 },
  );
});

test('an answer has the addresses of the family that is asked for, and the question as it was written', () => {
  const known = addresses('10.0.0.1', 'fd00::1', '10.0.0.2');
  const ask = (type: 'A' | 'AAAA' | 'TXT' | 'ANY', id: number) =>
    show(answerKnown(queryOf('WEB', { type, id }), known, 512));
  expect(ask('A', 0)).toBe('NOERROR A 10.0.0.1 A 10.0.0.2');
  expect(ask('A', 1)).toBe('NOERROR A 10.0.0.2 A 10.0.0.1');
  expect(ask('AAAA', 1)).toBe('NOERROR AAAA fd00::1');
  expect(ask('ANY', 0)).toBe('NOERROR A 10.0.0.1 AAAA fd00::1 A 10.0.0.2');
  expect(ask('TXT', 0)).toBe('NOERROR');
  const reverse = queryOf('1.0.0.10.in-addr.arpa', { type: 'PTR' });
  expect(show(answerKnown(reverse, names(['web.network1']), 512))).toBe('NOERROR PTR web.network1');
  const { questions } = decode(Buffer.from(answerKnown(queryOf('WeB'), known, 512)));
  expect(questions?.[0]?.name).toBe('WeB');
});

test('an answer that is too long for its way is cut, and has no record', () => {
  fc.assert(
    fc.property(fc.nat(200), fc.constantFrom(undefined, 512, 900, 1232, 4096), (count, udpBytes) => {
      const known = { addresses: Array.from({ length: count }, (_, index) => ipv4Of(index)), names: [] };
      const query = queryOf('a-name-of-some-length.network1', udpBytes === undefined ? {} : { udpBytes });
      const answer = answerKnown(query, known, query.udpBytes);
      expect(answer.length).toBeLessThanOrEqual(query.udpBytes);
      const whole = answerKnown(query, known, 65_535);
      expect(show(answer)).toBe(whole.length <= query.udpBytes ? show(whole) : 'NOERROR cut');
      expect(decode(Buffer.from(whole)).answers?.length).toBe(count);
    }),
  );
});

const A = (ttl: number) => ({ type: 'A', name: 'example.org', ttl, data: '192.0.2.1' }) as const;
const SOA = (ttl: number, minimum: number) =>
  ({ type: 'SOA', name: 'org', ttl, data: { mname: 'a', rname: 'b', minimum } }) as const;

test('what others answer is remembered as long as all of it says, and that there is nothing as long as its zone says', () => {
  const message = printForwarded(queryOf('example.org'), 3);
  const seconds = (parts: Parameters<typeof printResponse>[1], code = 0) =>
    lifetimeSeconds(printResponse(message, parts, code));
  expect(seconds({ answers: [A(60), A(30)] })).toBe(30);
  expect(seconds({ answers: [A(0)] })).toBe(0);
  expect(seconds({ answers: [A(1e6)] })).toBe(3_600);
  expect(seconds({ authorities: [SOA(300, 60)] }, 3)).toBe(60);
  expect(seconds({ authorities: [SOA(20, 60)] })).toBe(20);
  expect(seconds({}, 3)).toBe(0);
  expect(seconds({ answers: [A(60)] }, 2)).toBe(0);
  expect(seconds({ answers: [A(60)] }, 0x0200)).toBe(0);
});

test('an answer is one only with the identity, the question and the shape of one', () => {
  const message = printForwarded(queryOf('Example.org'), 4242);
  const answer = printResponse(message, { answers: [A(60)] });
  const changed = (at: number, value: number) => {
    const copy = Uint8Array.from(answer);
    copy[at] = value;
    return copy;
  };
  expect(answers(answer, message)).toBe(true);
  const others = [
    changed(0, 0),
    changed(2, 0),
    changed(13, 0x78),
    changed(5, 2),
    answer.subarray(0, 30),
    new Uint8Array(),
  ];
  expect(others.map((other) => answers(other, message))).toEqual(others.map(() => false));
});

test('any bytes as an answer are looked at without a throw', () => {
  const message = printForwarded(queryOf('example.org'), 4242);
  const whole = printResponse(message, { answers: [A(60), A(60)], authorities: [SOA(300, 60)] });
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, value, length) => {
      const bytes = Uint8Array.from(whole.subarray(0, length));
      bytes[at % Math.max(1, bytes.length)] = value;
      if (answers(bytes, message)) expect(lifetimeSeconds(bytes)).toBeLessThanOrEqual(3_600);
    }),
    { numRuns: 3_000 },
  );
});

test('whoever asks the same later gets the same, with its own identity and the time that is left', () => {
  const query = queryOf('example.org', { udpBytes: 1232 });
  const answer = printResponse(printForwarded(query, 1), { answers: [A(60)] });
  const later = queryOf('EXAMPLE.org', { id: 99, udpBytes: 1232 });
  expect(keyOf(later)).toBe(keyOf(query));
  const decoded = decode(Buffer.from(printAnswer(answer, later, 25)));
  expect(decoded).toMatchObject({ id: 99, questions: [{ name: 'EXAMPLE.org' }], answers: [{ ttl: 35 }] });
  expect(keyOf(queryOf('example.org'))).not.toBe(keyOf(query));
});

test('what a workload puts into EDNS stays with its host', () => {
  const { additionals, flags } = decode(Buffer.from(printForwarded(queryOf('example.org', { udpBytes: 4096 }), 1)));
  expect(additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232, options: [] }]);
  expect(flags).toBe(0x0100);
  expect(decode(Buffer.from(printForwarded(queryOf('example.org'), 1))).additionals).toEqual([]);
});

test('the cache keeps to its bytes, forgets in time, and what was asked for last stays longest', () => {
  const cache = createAnswerCache(1_000);
  const keep = (key: string, atMs: number) => cache.keep(key, new Uint8Array(100), 10, atMs);
  for (const key of ['a', 'b', 'c']) keep(key, 0);
  expect(cache.find('a', 5_000)).toMatchObject({ ageSeconds: 5 });
  keep('d', 5_000);
  expect(['a', 'b', 'c', 'd'].filter((key) => cache.find(key, 6_000) !== undefined)).toEqual(['a', 'c', 'd']);
  expect(['a', 'c', 'd'].filter((key) => cache.find(key, 10_000) !== undefined)).toEqual(['d']);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.nat(900), fc.nat(3))), (entries) => {
      const small = createAnswerCache(1_000);
      for (const [key, size, seconds] of entries) small.keep(key, new Uint8Array(size), seconds, 0);
      expect(small.bytes()).toBeLessThanOrEqual(1_000);
      for (const [key] of entries) small.find(key, 10_000);
      expect(small.bytes()).toBe(0);
    }),
  );
});

test('whoever has much under way makes room for who has little', () => {
  const share = createFairShare<string>(6, 4);
  const greedy = [1, 2, 3, 4].map(() => share.begin('greedy'));
  expect(share.begin('greedy')).toBeUndefined();
  share.begin('second');
  share.begin('second');
  expect(share.begin('third')).toBeDefined();
  expect(greedy.map((turn) => turn?.signal.aborted)).toEqual([true, false, false, false]);
  expect(share.begin('second')).toBeUndefined();
  for (const turn of greedy) turn?.end();
  expect(share.size()).toBe(3);
});

test('no way of beginning and ending is above the bounds, or loses a place', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), fc.boolean())), (steps) => {
      const share = createFairShare<number>(5, 3);
      const turns: ReturnType<typeof share.begin>[] = [];
      for (const [who, begins] of steps) {
        if (begins) turns.push(share.begin(who));
        else turns.shift()?.end();
        expect(share.size()).toBeLessThanOrEqual(5);
      }
      for (const turn of turns) turn?.end();
      expect(share.size()).toBe(0);
    }),
  );
});

test('a burst, then the rate, for each by itself', () => {
  const rate = createRateLimiter<string>(10, 3);
  const taken = (who: string, atMs: number, times: number) =>
    Array.from({ length: times }, () => rate.take(who, atMs)).filter(Boolean).length;
  expect([taken('a', 0, 9), taken('b', 0, 1), taken('a', 100, 9), taken('a', 10_000, 9)]).toEqual([3, 1, 1, 3]);
});

test('messages on a connection are the same however they are cut, and none is longer than allowed', () => {
  const message = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.nat(20)), (messages, cuts) => {
      const bytes = Buffer.concat(messages.map(frame));
      const taken: Uint8Array[] = [];
      const read = readMessages(40, (one) => taken.push(one));
      let at = 0;
      for (const cut of cuts) {
        expect(read(bytes.subarray(at, at + cut))).toBe(true);
        at += cut;
      }
      read(bytes.subarray(at));
      expect(taken.map((one) => [...one])).toEqual(messages.map((one) => [...one]));
    }),
  );
  expect(readMessages(40, () => undefined)(Uint8Array.of(0, 41))).toBe(false);
});

test('the name servers of a host are the first three that are not ourselves', () => {
  const text = `# nameserver 192.0.2.9
search example.org
nameserver 169.254.1.53
nameserver\t192.0.2.1 # the first
nameserver fd6e:51c1:ca7d::53
nameserver 192.0.2.1
nameserver fe80::1%eth0
 nameserver 192.0.2.8
nameserver 2001:db8::53
nameserver 127.0.0.53
nameserver 192.0.2.4
`;
  expect(parseNameservers(text).map(formatIp)).toEqual(['192.0.2.1', '2001:db8::53', '127.0.0.53']);
});

test('the question of an answer is where it was', () => {
  const query: Query = queryOf('web');
  expect(questionOf(answerNoName(query))).toEqual(query.question);
});
