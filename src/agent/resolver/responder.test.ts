import { beforeEach, expect, test } from 'bun:test';
import { type Asked, printQuery, printResponse, show } from '../../../test/support/dns/messages.ts';
import { OcicatError } from '../../base/errors.ts';
import type { NamedEndpoint } from '../../names/named-endpoint.ts';
import { createZone } from '../../names/zone.ts';
import { formatIp, type Ip, parseIp } from '../../net/ip.ts';
import { createForwarder } from './forwarder.ts';
import { createResponder, type Responder } from './responder.ts';

let respond: Responder;
let servers: readonly Ip[];
/** What each name server was asked, and how it answers. */
let asked: string[];
let answerOf: (server: string, message: Uint8Array) => Uint8Array | undefined | Promise<Uint8Array | undefined>;
let nowMs: number;

const A = { type: 'A', name: 'example.org', ttl: 60, data: '192.0.2.80' } as const;

function endpoint(
  address: string,
  names: readonly string[],
  networks: Readonly<Record<string, boolean>>,
): NamedEndpoint {
  const memberships = Object.entries(networks).map(([network, forwards]) => ({ network, forwards }));
  return { names, memberships, addresses: [parseIp(address)], isLocal: true, container: address };
}

beforeEach(() => {
  const zone = createZone();
  zone.set('web', endpoint('10.0.0.1', ['web'], { red: true }));
  zone.set('client', endpoint('10.0.0.2', [], { red: true }));
  zone.set('inside', endpoint('10.0.0.3', [], { blue: false }));
  [asked, servers, nowMs] = [[], [parseIp('192.0.2.1'), parseIp('192.0.2.2')], 0];
  answerOf = (_server, message) => printResponse(message, { answers: [A] });
  const forwarder = createForwarder({
    servers: () => servers,
    async exchange(server, message, transport) {
      asked.push(`${formatIp(server)} ${transport}`);
      const answer = await answerOf(formatIp(server), message);
      if (answer === undefined) throw new OcicatError('unavailable', 'no answer');
      return answer;
    },
    randomId: () => 4242,
    nowMs: () => nowMs,
  });
  respond = createResponder({ zone, forwarder, nowMs: () => nowMs });
});

async function ask(from: string, name: string, more: Asked = {}, transport: 'udp' | 'tcp' = 'udp'): Promise<string> {
  const answer = await respond(printQuery(name, more), parseIp(from), transport);
  return answer === undefined ? 'silence' : show(answer);
}

test('a name of the asker’s network is answered, and nobody else is asked', async () => {
  expect(await ask('10.0.0.2', 'web')).toBe('NOERROR A 10.0.0.1');
  expect(await ask('10.0.0.2', 'web.red', { type: 'AAAA' })).toBe('NOERROR');
  expect(await ask('10.0.0.2', '1.0.0.10.in-addr.arpa', { type: 'PTR' })).toBe('NOERROR PTR web.red');
  expect(await ask('10.0.0.2', 'nobody')).toBe('NXDOMAIN');
  expect(await ask('10.0.0.3', 'web')).toBe('NXDOMAIN');
  expect(asked).toEqual([]);
});

test('who is no workload of this host is refused', async () => {
  expect(await ask('10.9.9.9', 'web')).toBe('REFUSED');
});

test('the rest is asked of the host’s name servers, once for as long as the answer says', async () => {
  expect(await ask('10.0.0.2', 'example.org')).toBe('NOERROR A 192.0.2.80');
  expect(await ask('10.0.0.1', 'Example.ORG')).toBe('NOERROR A 192.0.2.80');
  expect(asked).toEqual(['192.0.2.1 udp']);
  nowMs = 60_000;
  await ask('10.0.0.2', 'example.org', {}, 'tcp');
  expect(asked).toEqual(['192.0.2.1 udp', '192.0.2.1 tcp']);
});

test('those who ask the same at once wait for one answer', async () => {
  const all = await Promise.all(['10.0.0.1', '10.0.0.2', '10.0.0.1'].map((from) => ask(from, 'example.org')));
  expect(new Set(all)).toEqual(new Set(['NOERROR A 192.0.2.80']));
  expect(asked).toHaveLength(1);
});

test('a member of an internal network alone learns nothing of elsewhere, and nothing is asked on its behalf', async () => {
  expect(await ask('10.0.0.3', 'secret.example.org')).toBe('REFUSED');
  expect(asked).toEqual([]);
});

test('a zone is not handed out', async () => {
  expect(await ask('10.0.0.2', 'example.org', { type: 'AXFR' }, 'tcp')).toBe('REFUSED');
  expect(asked).toEqual([]);
});

test('a server that does not answer, or will not, leaves it to the next one', async () => {
  answerOf = (server, message) => (server === '192.0.2.1' ? undefined : printResponse(message, { answers: [A] }));
  expect(await ask('10.0.0.2', 'example.org')).toBe('NOERROR A 192.0.2.80');
  answerOf = (server, message) => printResponse(message, {}, server === '192.0.2.1' ? 5 : 3);
  expect(await ask('10.0.0.2', 'other.example.org')).toBe('NXDOMAIN');
  answerOf = () => undefined;
  expect(await ask('10.0.0.2', 'third.example.org')).toBe('SERVFAIL');
  servers = [];
  expect(await ask('10.0.0.2', 'fourth.example.org')).toBe('REFUSED');
});

test('a workload that is a name server of its host is not asked what it asks', async () => {
  servers = [parseIp('192.0.2.1'), parseIp('10.0.0.2')];
  expect(await ask('10.0.0.2', 'example.org')).toBe('REFUSED');
  expect(asked).toEqual([]);
});

test('an answer that is cut is not remembered; one that came by a connection is cut for a datagram', async () => {
  answerOf = (_server, message) => printResponse(message, {}, 0x0200);
  expect([await ask('10.0.0.2', 'example.org'), await ask('10.0.0.2', 'example.org')]).toEqual([
    ...['NOERROR cut', 'NOERROR cut'],
  ]);
  expect(asked).toHaveLength(2);
  const many = Array.from({ length: 60 }, () => A);
  answerOf = (_server, message) => printResponse(message, { answers: many });
  expect(await ask('10.0.0.2', 'example.org', {}, 'tcp')).toContain('192.0.2.80');
  expect(await ask('10.0.0.2', 'example.org')).toBe('NOERROR cut');
  expect(asked).toHaveLength(3);
});

test('who has too much under way, or asks too fast, does not keep others from their answers', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  answerOf = () => promise;
  const waiting = Array.from({ length: 64 }, (_, index) => ask('10.0.0.1', `${index}.example.org`));
  expect(await ask('10.0.0.1', 'one.example.org')).toBe('SERVFAIL');
  answerOf = (_server, message) => printResponse(message, { answers: [A] });
  expect(await ask('10.0.0.2', 'example.org')).toBe('NOERROR A 192.0.2.80');
  resolve(undefined);
  await Promise.all(waiting);
  const flood = await Promise.all(Array.from({ length: 3_000 }, () => ask('10.0.0.1', 'web')));
  expect(flood.filter((one) => one === 'silence').length).toBeGreaterThan(900);
  expect(await ask('10.0.0.2', 'web')).toBe('NOERROR A 10.0.0.1');
});
