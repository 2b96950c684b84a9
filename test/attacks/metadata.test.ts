// Pods against rkt's metadata service: reading or signing as another, and keeping it from answering others. Each attack comes
// from inside a pod's network, as root there could send it.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  ask,
  curl,
  type MetadataHost,
  type MetadataPod,
  openMetadataHost,
  readAnswer,
  SOCKET,
} from '../support/host/metadata-host.ts';
import type { Running } from '../support/host/world.ts';

setDefaultTimeout(60_000);

const HOST = '172.16.28.99';
const PORT = 18112;

const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

let host: MetadataHost;
let service: Running;
let attacker: MetadataPod;
let victim: MetadataPod;
let stranger: MetadataPod;

beforeAll(async () => {
  host = await openMetadataHost();
  service = await host.startService();
  attacker = await host.startPod('attacker', 'default-restricted', '--mds-register');
  victim = await host.startPod(
    'victim',
    'default,default-restricted',
    '--mds-register',
    '--set-env=SECRET=of-the-victim',
  );
  stranger = await host.startPod('stranger', 'default-restricted');
});
afterAll(() => host.close());

/** A raw request from a pod; the status line of the answer, or an empty text when the connection was closed. */
async function send(pod: MetadataPod, request: string, waitSeconds = 5): Promise<string> {
  const script = `exec 3<>/dev/tcp/${HOST}/${PORT} || exit 0; printf '%b' "$REQUEST" >&3; timeout ${waitSeconds} head -n 1 <&3; true`;
  const result = await pod.inside('env', `REQUEST=${request}`, 'bash', '-c', script);
  return result.stdout.trim();
}

async function isServed(pod: MetadataPod): Promise<boolean> {
  const answer = await ask(pod, 'pod/uuid');
  return answer.status === 200 && answer.body === pod.uuid;
}

test('who has another pod’s token reads nothing of it and signs nothing in its name', async () => {
  const stolen = { ...attacker, url: victim.url };
  for (const path of ['pod/uuid', 'pod/manifest', 'apps/busybox/image/manifest']) {
    expect(await ask(stolen, path)).toEqual({ status: 401, body: 'Unauthorized' });
  }
  expect((await ask(stolen, 'pod/hmac/sign', '--data', 'content=x')).status).toBe(401);
  const forged = await ask(attacker, 'pod/hmac/sign', '--data', `content=x&uuid=${victim.uuid}`);
  const claim = ['--data-urlencode', `signature=${forged.body}`, '--data', `content=x&uuid=${victim.uuid}`];
  expect((await ask(victim, 'pod/hmac/verify', ...claim)).status).toBe(403);
});

test('a pod with several addresses is known by the one that it was registered with', async () => {
  const other = { ...victim, url: victim.url.replace(HOST, '172.16.28.1') };
  expect((await ask(other, 'pod/uuid')).status).toBe(0);
  expect(await isServed(victim)).toBe(true);
});

test('a pod that took another’s address hears nothing, and takes nothing from it', async () => {
  const address = (
    await victim.inside('sh', '-c', "ip -o -4 addr | grep -o '172.16.28.[0-9]*/25' | cut -d/ -f1")
  ).stdout.trim();
  expect(address).toMatch(/^172\.16\.28\.\d+$/);
  await attacker.inside('ip', 'addr', 'add', `${address}/32`, 'dev', 'eth0');
  const args = curl('--interface', address, '--max-time', '3', `${victim.url}/acMetadata/v1/pod/uuid`);
  const stolen = readAnswer(await attacker.inside(...args));
  await attacker.inside('ip', 'addr', 'del', `${address}/32`, 'dev', 'eth0');
  expect(stolen.status).toBe(0);
  expect([await isServed(victim), await isServed(attacker)]).toEqual([true, true]);
});

test('who is not registered is not answered, whatever it has: another pod, the host, a wrong token', async () => {
  expect((await ask({ ...stranger, url: victim.url }, 'pod/uuid')).status).toBe(0);
  expect(await send(stranger, 'GET / HTTP/1.1\\r\\n\\r\\n')).toBe('');
  for (const address of [HOST, '127.0.0.1']) {
    const answer = readAnswer(
      await host.world.run(...curl(`http://${address}:${PORT}/${victim.token}/acMetadata/v1/pod/uuid`)),
    );
    expect(answer.status).toBe(0);
  }
  for (const token of ['', '0'.repeat(32), victim.uuid, `${attacker.token}0`, attacker.token.toUpperCase()]) {
    expect((await ask({ ...attacker, url: `http://${HOST}:${PORT}/${token}` }, 'pod/uuid')).status).toBe(401);
  }
});

test('pods register nobody: not over the network, and not over the socket of root', async () => {
  const put = ['--request', 'PUT', '--data', '{"apps":[]}'];
  const target = `http://${HOST}:${PORT}/pods/${victim.uuid}?token=${'a'.repeat(32)}&ip=172.16.28.2`;
  expect(readAnswer(await attacker.inside(...curl(...put, target))).status).toBe(401);
  const local = curl(...put, '--unix-socket', SOCKET, `http://service/pods/${victim.uuid}`);
  expect(readAnswer(await host.world.run(...nobody, ...local)).status).toBe(0);
  await host.world.run('sh', '-c', `chmod 755 /run/rkt && chmod 666 ${SOCKET}`);
  expect(readAnswer(await host.world.run(...nobody, ...local)).status).toBe(0);
  await host.world.run('sh', '-c', `chmod 700 /run/rkt && chmod 600 ${SOCKET}`);
  expect(await isServed(victim)).toBe(true);
});

const long = (bytes: number): string => 'x'.repeat(bytes);
const malformed: readonly (readonly [what: string, request: string, answer: string])[] = [
  ['no HTTP', '\\x16\\x03\\x01\\x02\\r\\n\\r\\n', 'HTTP/1.1 400 Bad Request'],
  ['a proxy’s request', 'GET http://other/ HTTP/1.1\\r\\n\\r\\n', 'HTTP/1.1 400 Bad Request'],
  ['a broken escape', 'GET /%zz HTTP/1.1\\r\\n\\r\\n', 'HTTP/1.1 400 Bad Request'],
  ['a long path', `GET /${long(9000)} HTTP/1.1\\r\\n\\r\\n`, 'HTTP/1.1 431 Request Header Fields Too Large'],
  ['a head without an end', long(20_000), 'HTTP/1.1 431 Request Header Fields Too Large'],
  [
    'many fields',
    `GET / HTTP/1.1\\r\\n${'a: b\\r\\n'.repeat(3000)}\\r\\n`,
    'HTTP/1.1 431 Request Header Fields Too Large',
  ],
  [
    'two lengths',
    'POST / HTTP/1.1\\r\\nContent-Length: 1\\r\\nContent-Length: 2\\r\\n\\r\\n',
    'HTTP/1.1 400 Bad Request',
  ],
  [
    'chunks',
    'POST / HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n',
    'HTTP/1.1 501 Not Implemented',
  ],
  [
    'a body without bounds',
    'POST / HTTP/1.1\\r\\nContent-Length: 99999999\\r\\n\\r\\n',
    'HTTP/1.1 413 Payload Too Large',
  ],
  ['steps out of its place', 'GET /../../etc/shadow HTTP/1.1\\r\\n\\r\\n', 'HTTP/1.1 401 Unauthorized'],
];
test.each(malformed)('%s is refused', async (_, request, answer) => {
  expect(await send(attacker, request)).toBe(answer);
});

/** Connections from the pod that send `first` and then a byte now and then; resolves when the service has ended all of them. */
function hold(pod: MetadataPod, count: number, first: string): Promise<unknown> {
  const one = `exec 3<>/dev/tcp/${HOST}/${PORT} || exit; printf '${first}' >&3; while sleep 0.5; do printf x >&3 2>/dev/null || exit; done`;
  return pod.inside('bash', '-c', `for i in $(seq ${count}); do (trap '' PIPE; ${one}) & done; wait`);
}

test('slow requests are ended by a deadline, and others are served meanwhile', async () => {
  const began = performance.now();
  const slow = hold(attacker, 40, 'GET /');
  await Bun.sleep(1000);
  for (let round = 0; round < 5; round++) expect(await isServed(victim)).toBe(true);
  await slow;
  expect(performance.now() - began).toBeLessThan(20_000);
  expect(await isServed(attacker)).toBe(true);
});

const logLines = (): readonly string[] => service.errors().split('\n');

function residentKib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** Four clients that ask as fast as they can for five seconds, and print how often they were answered. */
const flooding = `trap '' PIPE; for i in 1 2 3 4; do (n=0
  while exec 3<>/dev/tcp/${HOST}/${PORT}; do
    printf 'GET /%s/acMetadata/v1/pod/uuid HTTP/1.1\\r\\n\\r\\n' "$TOKEN" >&3 2>/dev/null
    read -r -t 1 line <&3 && n=$((n+1))
    exec 3>&-
    echo "$i:$n"
  done) 2>/dev/null & done; wait`;

test('a flood of connections is cut to twenty a second, in the log too; others are served, and nothing is kept of it', async () => {
  const before = residentKib(service.pid);
  const linesBefore = logLines().length;
  const floodBegan = performance.now();
  const flood = attacker.inside('env', `TOKEN=${attacker.token}`, 'timeout', '5', 'bash', '-c', flooding);
  await Bun.sleep(500);
  const times: number[] = [];
  for (let round = 0; round < 15; round++) {
    const began = performance.now();
    expect(await isServed(victim)).toBe(true);
    times.push(performance.now() - began);
    await Bun.sleep(200);
  }
  const lines = (await flood).stdout.trim().split('\n');
  const answered = ['1', '2', '3', '4'].map((each) =>
    Number(lines.findLast((line) => line.startsWith(`${each}:`))?.slice(2)),
  );
  const sum = answered.reduce((all, each) => all + each, 0);
  expect(sum).toBeGreaterThan(0);
  const seconds = (performance.now() - floodBegan) / 1000;
  expect(logLines().length - linesBefore).toBeLessThan(21 * (seconds + 2));
  expect(sum).toBeLessThan(300);
  expect(Math.max(...times)).toBeLessThan(5000);
  expect(readdirSync(`/proc/${service.pid}/fd`).length).toBeLessThan(60);
  expect(residentKib(service.pid) - before).toBeLessThan(64 * 1024);
});

test('a pod writes no lines of its own into the service’s log', async () => {
  await Bun.sleep(1100); // the flood's lines are through
  await ask(attacker, 'pod/%0ametadata-service:%20forged%1b%5b2J');
  const line = '/acMetadata/v1/pod/\\nmetadata-service: forged\\x1b[2J - 404';
  for (let attempt = 0; attempt < 100 && !service.errors().includes(line); attempt++) await Bun.sleep(20);
  expect(logLines().filter((each) => each.includes('forged'))).toEqual([expect.stringContaining(line)]);
});

test('a token stands in no log, no process list, no file that others read', async () => {
  for (const { token, uuid } of [attacker, victim]) {
    expect(service.errors().includes(token)).toBe(false);
    const lists = await host.world.run('sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "');
    expect(lists.stdout.includes(token)).toBe(false);
    const found = await host.world.run('grep', '-rlF', token, '/run/rkt', join(host.world.dataDir, 'pods/run', uuid));
    const files = found.stdout.trim().split('\n');
    expect(files.map((file) => basename(file))).toEqual(['config.json', 'config.json']); // the app's, and crun's copy
    for (const file of files) expect((await host.world.run(...nobody, 'cat', file)).status).not.toBe(0);
  }
  const seen = await attacker.inside('busybox', 'ps');
  expect(seen.stdout).not.toContain(victim.token);
});

test('the address of a pod that ended is nobody’s, until a pod that has it is registered', async () => {
  const first = await host.startPod('first', 'default-restricted', '--mds-register');
  expect((await host.world.rkt('stop', '--force', first.uuid)).status).toBe(0);
  await first.running.ended;
  expect((await ask(first, 'pod/uuid')).status).toBe(401);
  expect((await ask(first, 'pod/uuid')).status).toBe(0);
  expect((await host.world.rkt('rm', first.uuid)).status).toBe(0);
});

test('the service is still the one that was started', async () => {
  expect(await Promise.race([service.ended, Promise.resolve('running')])).toBe('running');
  expect([await isServed(attacker), await isServed(victim)]).toEqual([true, true]);
});
