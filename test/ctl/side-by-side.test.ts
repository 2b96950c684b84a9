// This calicoctl held against Calico's own on real stores: what one writes the other reads and changes, the same document
// becomes the same JSON or is refused by both, but for what differences.ts names. Runs when OCICAT_PEERS names a folder with
// Calico's programs; OCICAT_ALL_CASES=1 runs every case instead of a share of them.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Datastore } from '../../src/datastore/port.ts';
import { type EtcdServer, startEtcd } from '../store/etcd-server.ts';
import { crashingTables, documentDifferences, type Outcome } from './differences.ts';
import { printDifferences, SECTION } from './differences-page.ts';
import { type Case, deriveCases, readBaseDocuments } from './side-by-side-cases.ts';
import {
  comparable,
  type Ended,
  findPeer,
  openStoreAt,
  ourProgram,
  type Program,
  peerProgram,
  readResources,
  removeAll,
} from './side-by-side-programs.ts';
import { texts } from './side-by-side-texts.ts';

const peerPath = findPeer();
const aside = peerPath === undefined ? " (skipped: OCICAT_PEERS names no folder with Calico's calicoctl)" : '';
/** Every case takes two programs a start each. */
const TIMEOUT_MS = process.env.OCICAT_ALL_CASES === '1' ? 3_600_000 : 300_000;
/** One case in so many runs by itself; each takes about 50 ms. */
const SHARE = 14;
/** What other documents refer to. */
const BEFORE = `
apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: security}
spec: {order: 100}
---
apiVersion: projectcalico.org/v3
kind: BGPFilter
metadata: {name: f1}
spec: {}
`;

const bases = readBaseDocuments();

function allCases(): readonly Case[] {
  const seen = new Set<unknown>();
  return bases.flatMap((base) => [base, ...deriveCases(base, seen)]);
}

/** A share of the cases, the same ones whatever others there are, and all that a difference names. */
function chooseCases(): readonly Case[] {
  const all = allCases();
  if (process.env.OCICAT_ALL_CASES === '1') return all;
  const examples = new Set(documentDifferences.map((one) => one.example));
  return all.filter(({ id }) => Bun.hash.crc32(id) % SHARE === 0 || examples.has(id) || !id.includes(' '));
}

/** A program with a store of its own. */
interface Side {
  readonly server: EtcdServer;
  readonly store: Datastore;
  readonly program: Program;
}

async function openSide(open: (endpoint: string) => Program): Promise<Side> {
  const server = await startEtcd();
  return { server, store: await openStoreAt(server.endpoint), program: open(server.endpoint) };
}

async function closeSide(side: Side | undefined): Promise<void> {
  await side?.store.close();
  await side?.server.stop();
}

/** What a side makes of a document: the stored values, or undefined when it refuses. The store is as before then. */
async function judge(side: Side, keep: ReadonlySet<string>, input: string): Promise<readonly string[] | undefined> {
  const { status } = await side.program.run(['apply', '-f', '-'], input);
  const written = (await readResources(side.store)).filter(({ key }) => !keep.has(key));
  await removeAll(side.store, written);
  return status === 0 ? written.map(comparable) : undefined;
}

function compareOutcomes(ours: readonly string[] | undefined, theirs: readonly string[] | undefined): Outcome | 'same' {
  if (ours === undefined) return theirs === undefined ? 'same' : 'refused';
  if (theirs === undefined) return 'taken';
  return ours.join('\n') === theirs.join('\n') ? 'same' : 'stored';
}

describe.skipIf(peerPath === undefined)(`the same documents${aside}`, () => {
  let ours: Side;
  let theirs: Side;
  let keep: ReadonlySet<string>;

  beforeAll(async () => {
    ours = await openSide(ourProgram);
    theirs = await openSide((endpoint) => peerProgram(peerPath ?? '', endpoint));
    for (const { program } of [ours, theirs]) {
      expect(await program.run(['apply', '-f', '-'], BEFORE)).toEqual({
        status: 0,
        out: 'Successfully applied 2 resource(s)\n',
        err: '',
      });
    }
    const standing = await Promise.all([readResources(ours.store), readResources(theirs.store)]);
    keep = new Set(standing.flat().map(({ key }) => key));
  });

  afterAll(async () => {
    await closeSide(ours);
    await closeSide(theirs);
  });

  async function outcomeOf(input: string): Promise<Outcome | 'same'> {
    const [own, other] = await Promise.all([judge(ours, keep, input), judge(theirs, keep, input)]);
    return compareOutcomes(own, other);
  }

  test(
    'are taken, stored and refused alike, but for the differences on purpose',
    async () => {
      const cases = chooseCases();
      const unexplained: string[] = [];
      const ids = new Set(cases.map(({ id }) => id));
      const shown = new Set<string>();
      for (const { id, document } of cases) {
        const outcome = await outcomeOf(JSON.stringify(document));
        if (outcome === 'same') continue;
        const reasons = documentDifferences.filter((one) => one.outcome === outcome && one.cases.test(id));
        if (reasons.length === 0) unexplained.push(`${outcome}: ${id}`);
        for (const reason of reasons) if (reason.example === id) shown.add(reason.what);
      }
      expect(cases.length).toBeGreaterThan(700);
      expect(unexplained).toEqual([]);
      expect(
        documentDifferences.map((one) => one.example).filter((id) => !id.startsWith('text: ') && !ids.has(id)),
      ).toEqual([]);
      const ofCases = documentDifferences.filter((one) => !one.example.startsWith('text: '));
      expect(ofCases.map((one) => one.what).filter((what) => !shown.has(what))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test.each(texts)('text: %s', async (name, input) => {
    const difference = documentDifferences.find((one) => one.cases.test(`text: ${name}`));
    expect(await outcomeOf(input)).toBe(difference?.outcome ?? 'same');
  });
});

/** What Calico printed, as it looks with the differences of differences.ts. */
function asOurs(kind: string, format: string | undefined, ended: Ended): Ended {
  if (format === 'json') return { ...ended, out: `${ended.out}\n` };
  if (kind !== 'Profile' || format === 'yaml') return ended;
  return { ...ended, out: ended.out.replace(/ +$/gm, '').replace(/\n\n$/, '\n') };
}

describe.skipIf(peerPath === undefined)(`taking turns on one store${aside}`, () => {
  let server: EtcdServer;
  let programs: readonly [Program, Program];

  beforeAll(async () => {
    server = await startEtcd();
    programs = [ourProgram(server.endpoint), peerProgram(peerPath ?? '', server.endpoint)];
    expect((await programs[0].run(['apply', '-f', '-'], BEFORE)).status).toBe(0);
  });

  afterAll(() => server?.stop());

  const turns = bases.flatMap((base) => [
    [base.id, 'Ocicat', base, 0, 1] as const,
    [base.id, 'Calico', base, 1, 0] as const,
  ]);

  test.each(turns)(
    '%s, written by %s, is read and changed by the other',
    async (_id, _name, { kind, document }, first, second) => {
      const [ours, theirs] = programs;
      const [writer, other] = [programs[first], programs[second]];
      const { name, namespace } = (
        document as { readonly metadata: { readonly name: string; readonly namespace?: string } }
      ).metadata;
      const place = namespace === undefined ? [] : ['-n', namespace];
      const input = JSON.stringify(document);

      const both = async (...words: readonly string[]) => {
        const [one, two] = await Promise.all([ours.run([...words, ...place]), theirs.run([...words, ...place])]);
        expect([one.status, one.err]).toEqual([0, '']);
        const format = words[words.indexOf('-o') + 1];
        const table = words.includes('-o') ? (format === 'wide' ? 'wide' : undefined) : 'ps';
        if (table !== undefined && crashingTables[kind]?.includes(table)) expect(two.err).toContain('panic: ');
        else expect(asOurs(kind, format, two)).toEqual(one);
        return one.out;
      };
      const done = async (program: Program, words: readonly string[], expected: string, text = '') =>
        expect(await program.run([...words, ...place], text)).toEqual({ status: 0, out: `${expected}\n`, err: '' });

      await done(writer, ['create', '-f', '-'], `Successfully created 1 '${kind}' resource(s)`, input);
      const yaml = await both('get', kind, name, '-o', 'yaml');
      expect(JSON.parse(await both('get', kind, name, '-o', 'json'))).toMatchObject({ kind, metadata: { name } });
      await both('get', kind, name);
      await both('get', kind, name, '-o', 'wide');
      if (kind !== 'Profile') {
        await both('get', kind);
        await both('get', kind, '-o', 'wide');
        await both('get', kind, '-o', 'yaml');
      }
      await done(other, ['label', kind, name, 'a=b'], `Successfully set label a on ${kind} ${name}`);
      await done(
        writer,
        ['label', kind, name, 'a=c', '--overwrite'],
        `Successfully updated label a on ${kind} ${name}`,
      );
      expect(await both('get', kind, name, '-o', 'yaml')).toContain('a: c');
      const patch = JSON.stringify({ metadata: { labels: { p: 'q' } } });
      await done(other, ['patch', kind, name, '-p', patch], `Successfully patched 1 '${kind}' resource`);
      expect(await both('get', kind, name, '-o', 'yaml')).toContain('p: q');
      await done(other, ['replace', '-f', '-'], `Successfully replaced 1 '${kind}' resource(s)`, input);
      const replaced = await both('get', kind, name, '-o', 'yaml');
      const steady = (text: string) => text.replace(/resourceVersion: .*/, '');
      expect(steady(replaced)).toBe(steady(yaml));
      await done(writer, ['apply', '-f', '-'], `Successfully applied 1 '${kind}' resource(s)`, replaced);
      await done(other, ['delete', kind, name], `Successfully deleted 1 '${kind}' resource(s)`);
      for (const program of programs) expect((await program.run(['get', kind, name, ...place])).status).toBe(1);
    },
    TIMEOUT_MS,
  );

  test('the table of profiles differs as the guide wants it', async () => {
    const profile = bases.find((base) => base.kind === 'Profile');
    expect((await programs[0].run(['apply', '-f', '-'], JSON.stringify(profile?.document))).status).toBe(0);
    expect((await programs[0].run(['get', 'profiles'])).out).toBe('NAME\nnetwork1\n');
    expect((await programs[1].run(['get', 'profiles'])).out.replace(/ +$/gm, '')).toBe(
      'NAME\nnetwork1\nprojectcalico-default-allow\n\n',
    );
  });
});

test('the end of docs/differences.md says what differences.ts says (OCICAT_WRITE=1 writes it)', async () => {
  const path = join(import.meta.dir, '../../docs/differences.md');
  const page = readFileSync(path, 'utf8');
  const section = page.indexOf(SECTION);
  if (process.env.OCICAT_WRITE === '1') await Bun.write(path, page.slice(0, section) + printDifferences());
  expect(readFileSync(path, 'utf8').slice(section)).toBe(printDifferences());
});
