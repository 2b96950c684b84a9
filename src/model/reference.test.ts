// The files in docs/reference and schema say what the model says. OCICAT_WRITE=1 writes them.
import { expect, test } from 'bun:test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { kinds } from './kinds.ts';
import { computeJsonSchema } from './meta/json-schema.ts';
import { printReferenceIndex, printReferencePage } from './reference.ts';

const root = join(import.meta.dir, '../..');

const files: readonly (readonly [path: string, text: string])[] = [
  ['docs/reference/resources.md', printReferenceIndex(kinds)],
  ...kinds.map((kind) => [`docs/reference/${kind.plural}.md`, printReferencePage(kind)] as const),
  ...kinds.map(
    (kind) => [`schema/${kind.plural}.json`, `${JSON.stringify(computeJsonSchema(kind), null, 2)}\n`] as const,
  ),
];

test.each(files)('%s is as the model says', async (path, text) => {
  const file = Bun.file(join(root, path));
  if (process.env.OCICAT_WRITE === '1') {
    mkdirSync(join(root, path, '..'), { recursive: true });
    await Bun.write(file, text);
  }
  expect(await file.text()).toBe(text);
});

test('a schema refuses what is not known and names what is needed', () => {
  const schema = computeJsonSchema(kinds.find((kind) => kind.name === 'HostEndpoint') ?? kinds[0] ?? fail());
  expect(schema).toMatchObject({
    title: 'HostEndpoint',
    required: ['kind', 'apiVersion', 'metadata'],
    additionalProperties: false,
    properties: {
      kind: { enum: ['HostEndpoint'] },
      spec: { required: ['node'], properties: { expectedIPs: { type: 'array' } } },
    },
  });
});

function fail(): never {
  throw new Error('there are no kinds');
}
