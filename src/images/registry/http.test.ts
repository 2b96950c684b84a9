import { afterEach, expect, test } from 'bun:test';
import type { Server } from 'bun';
import { describeError, OcicatError } from '../../base/errors.ts';
import { type HttpPolicy, type HttpRequest, readAll, sendRequest } from './http.ts';

let servers: Server<undefined>[] = [];

afterEach(() => {
  for (const server of servers) server.stop(true);
  servers = [];
});

function serve(answer: (request: Request) => Response | Promise<Response>): string {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: answer });
  servers.push(server);
  return `http://127.0.0.1:${server.port}`;
}

const policy: HttpPolicy = {
  allowBadCertificates: false,
  allowPlainHttp: false,
  retryDelaysMs: [1, 1, 1],
  signal: new AbortController().signal,
};

async function ask(url: string, more: Partial<HttpRequest> = {}): Promise<string> {
  const response = await sendRequest({ url: new URL(url), ...more }, policy);
  return `${response.status} ${Buffer.from(await readAll(response, 1000)).toString()}`;
}

async function problemOf(run: Promise<unknown>): Promise<string> {
  try {
    await run;
    return 'accepted';
  } catch (error) {
    return error instanceof OcicatError ? `${error.code}: ${error.message}` : describeError(error);
  }
}

test('credentials follow a redirect on the same host and never to another', async () => {
  const seen: string[] = [];
  const note = (who: string, request: Request): void => {
    seen.push(`${who} ${request.headers.get('authorization') ?? 'none'}`);
  };
  const storage = serve((request) => {
    note('storage', request);
    return new Response('content');
  });
  const registry = serve((request) => {
    note('registry', request);
    const { pathname } = new URL(request.url);
    if (pathname === '/a') return new Response(null, { status: 307, headers: { Location: '/b' } });
    return new Response(null, { status: 302, headers: { Location: `${storage}/c` } });
  });
  expect(await ask(`${registry}/a`, { authorization: 'Basic c2VjcmV0' })).toBe('200 content');
  expect(seen).toEqual(['registry Basic c2VjcmV0', 'registry Basic c2VjcmV0', 'storage none']);
});

test('credentials do not come back from a host that redirects to where they were', async () => {
  const seen: string[] = [];
  let registry = '';
  const storage = serve(
    () => new Response(null, { status: 302, headers: { Location: `${registry}/chosen-by-storage` } }),
  );
  registry = serve((request) => {
    const { pathname } = new URL(request.url);
    seen.push(`${pathname} ${request.headers.get('authorization') ?? 'none'}`);
    if (pathname === '/a') return new Response(null, { status: 307, headers: { Location: storage } });
    return new Response('content');
  });
  expect(await ask(`${registry}/a`, { authorization: 'Basic c2VjcmV0' })).toBe('200 content');
  expect(seen).toEqual(['/a Basic c2VjcmV0', '/chosen-by-storage none']);
});

test('busy and broken answers are tried again, and given up after four', async () => {
  let answers = [503, 429, 200];
  let asked = 0;
  const url = serve(() => {
    asked++;
    return new Response('x', { status: answers.shift() ?? 500 });
  });
  expect(await ask(url)).toBe('200 x');
  answers = [];
  asked = 0;
  expect(await problemOf(ask(url))).toBe('unavailable: bad HTTP status code: 500');
  expect(asked).toBe(4);
});

test('answers below 500 are answers', async () => {
  const url = serve(() => new Response('no', { status: 404 }));
  expect(await ask(url)).toBe('404 no');
});

test.each([
  ['a server that is not there', 'http://127.0.0.1:1/', 'unavailable: ECONNREFUSED'],
  ['a name that does not exist', 'http://nowhere.invalid/', 'unavailable: ENOTFOUND'],
])('says in a word about %s', async (_what, url, problem) => {
  expect(await problemOf(ask(url))).toBe(problem);
});

test('redirects end', async () => {
  const url = serve(() => new Response(null, { status: 302, headers: { Location: '/again' } }));
  expect(await problemOf(ask(url))).toBe('unavailable: redirects more than 8 times');
});

test('redirects to other schemes are refused', async () => {
  const url = serve(() => new Response(null, { status: 302, headers: { Location: 'file:///etc/passwd' } }));
  expect(await problemOf(ask(url))).toBe('denied: redirects to file://, which is refused');
});

test('a body larger than wanted is not read', async () => {
  const url = serve(() => new Response('x'.repeat(1001)));
  expect(await problemOf(ask(url))).toBe('invalid: answers with more than 1000 bytes');
});

test('content encodings are left alone', async () => {
  const url = serve((request) => {
    const body = Bun.gzipSync(new TextEncoder().encode(request.headers.get('accept-encoding') ?? ''));
    return new Response(body, { headers: { 'Content-Encoding': 'gzip' } });
  });
  const response = await sendRequest({ url: new URL(url) }, policy);
  expect(Buffer.from(Bun.gunzipSync(Buffer.from(await readAll(response, 1000)))).toString()).toBe('identity');
});

test('the signal interrupts waiting for an answer, a retry and a body', async () => {
  const controller = new AbortController();
  const never = serve(async () => {
    await Bun.sleep(1000);
    return new Response('');
  });
  const busy = serve(() => new Response('', { status: 503, headers: { 'Retry-After': '10' } }));
  const slow = serve(
    () =>
      new Response(
        new ReadableStream({
          async pull(stream) {
            stream.enqueue(new TextEncoder().encode('x'));
            await Bun.sleep(1000);
          },
        }),
      ),
  );
  const signal = controller.signal;
  const runs = [never, busy, slow].map((url) =>
    problemOf(sendRequest({ url: new URL(url) }, { ...policy, signal }).then((response) => readAll(response, 10))),
  );
  setTimeout(() => controller.abort(), 50);
  expect(await Promise.all(runs)).toEqual(Array(3).fill('aborted: download: interrupted'));
});
