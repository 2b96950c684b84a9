// Images that attack whoever fetches and runs them: each does what its row says, and the host is as it was before.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import type { Server } from 'bun';
import { SECRET } from './host-snapshot.ts';
import type { ImageAttack } from './image-attack.ts';
import { type ImageBench, openImageBench } from './image-bench.ts';
import { configAttacks } from './images-by-config.ts';
import { badReferences, documentAttacks, type Forgery } from './images-by-document.ts';
import { linkAttacks } from './images-by-links.ts';
import { nameAttacks } from './images-by-names.ts';
import { nodeAttacks } from './images-by-nodes.ts';
import { sizeAttacks } from './images-by-size.ts';
import { expectNoControls } from './text.ts';

setDefaultTimeout(60_000);

let bench: ImageBench;
let forger: Server<undefined>;
let forgery: Forgery | undefined;

/** Answers every tag with the manifest at hand, and every other digest with the blob it has. */
function forge(path: string): Response {
  const [, kind, target = ''] = /\/(manifests|blobs)\/([^/]+)$/.exec(path) ?? [];
  if (kind === 'manifests' && forgery !== undefined && !target.startsWith('sha256:')) {
    return new Response(forgery.manifest, { headers: { 'Content-Type': forgery.mediaType } });
  }
  const blob = forgery?.blobs.get(target);
  return blob === undefined ? new Response('', { status: 404 }) : new Response(Buffer.from(blob));
}

beforeAll(async () => {
  forger = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: (request) => forge(new URL(request.url).pathname) });
  bench = await openImageBench(`http://127.0.0.1:${forger.port}`);
  expect(await bench.fetch(await bench.plant({}))).toMatchObject({ status: 0 });
});

afterAll(async () => {
  await bench.close();
  await forger.stop(true);
});

/** Without the time, the app and its process id that stand before each line. */
function withoutPrefixes(text: string): string {
  return text.replace(/^\[ *\d+\.\d{6}\] [a-z0-9-]+\[\d+\]: /gm, '').trim();
}

function expectContained(text: string): void {
  expectNoControls('output', text);
  expect(text).not.toContain(SECRET);
}

async function fetchRefused(words: RegExp, reference: string, options: readonly string[] = []): Promise<void> {
  const before = bench.stored();
  const result = await bench.fetch(...options, reference);
  expectContained(result.stderr);
  expect(result.stderr).toMatch(words);
  expect(result.status).toBe(254);
  expect(bench.stored()).toEqual(before);
}

async function runContained(reference: string, attack: ImageAttack): Promise<void> {
  const aim = { sentinel: bench.sentinel };
  const program = attack.script === undefined ? [] : ['--exec=/bin/sh', '--', '-c', attack.script(aim)];
  const app = [...(attack.appOptions?.(aim) ?? []), ...program];
  const result = await bench.run(...(attack.podOptions ?? []), reference, ...app);
  const text = withoutPrefixes(result.stdout + result.stderr.replace(/^networking: .*\n/m, ''));
  expectContained(text);
  expect(text).toMatch(attack.prints ?? /^$/);
}

const attacks: readonly ImageAttack[] = [
  ...linkAttacks,
  ...nodeAttacks,
  ...nameAttacks,
  ...configAttacks,
  ...sizeAttacks,
];

test.each(attacks.map((attack) => [attack.name, attack] as const))('%s', async (_name, attack) => {
  const host = await bench.snapshot();
  const reference = await bench.plant(attack.image({ sentinel: bench.sentinel }));
  if (attack.refused !== undefined) await fetchRefused(attack.refused, reference, attack.fetchOptions);
  else {
    expect(await bench.fetch(...(attack.fetchOptions ?? []), reference)).toMatchObject({ status: 0 });
    if (attack.script !== undefined || attack.runs) await runContained(reference, attack);
  }
  expect(await bench.snapshot()).toEqual(host);
});

test.each(documentAttacks.map((attack) => [attack.name, attack] as const))('%s', async (_name, attack) => {
  const host = await bench.snapshot();
  forgery = attack.forgery();
  await fetchRefused(attack.refused, 'docker://forged.invalid/attack/image');
  expect(await bench.snapshot()).toEqual(host);
});

test.each(badReferences)('the reference %j is refused before anything is asked', async (reference) => {
  await fetchRefused(/^fetch: .*invalid docker URL/, reference);
});

test('labels, names and versions that attack are shown without control characters', async () => {
  for (const words of [
    ['image', 'list'],
    ['list', '--full'],
    ['list', '--format=json'],
  ]) {
    const { stdout, stderr } = await bench.rkt(...words);
    expectContained(stdout + stderr);
  }
});

test('nobody but root reaches what images have put on the disk', async () => {
  const [tree] = bench.stored();
  expect(await bench.asNobody('ls', bench.treePath(tree ?? ''))).toMatchObject({
    stderr: expect.stringContaining('Permission denied'),
  });
});

test('nothing is left of the pods', async () => {
  const host = await bench.snapshot();
  await bench.rkt('gc', '--grace-period=0s');
  expect((await bench.rkt('list', '--no-legend')).stdout.trim()).toBe('');
  expect(await bench.snapshot()).toEqual(host);
});
