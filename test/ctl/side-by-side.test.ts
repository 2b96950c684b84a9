// This calicoctl held against Calico's own on real stores: what one writes the other reads and changes, the same document
// becomes the same JSON or is refused by both, but for what differences.ts names. Where OCICAT_PEERS names no folder with
// Calico's programs, what they answered is read from recorded/. OCICAT_ALL_CASES=1, which needs them, runs every case instead
// of a share.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Datastore } from '../../src/datastore/port.ts';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.ts';
import { type Ended, type RecordedStore, type Recording, type Run, settle } from '../support/recording.ts';
import { crashingTables, documentDifferences, type Outcome } from './differences.ts';
import { printDifferences, SECTION } from './differences-page.ts';
import { type Case, deriveCases, readBaseDocuments } from './side-by-side-cases.ts';
import {
  comparable,
  findPeer,
  openPeer,
  openStoreAt,
  ourProgram,
  readResources,
  removeAll,
} from './side-by-side-programs.ts';
import { texts } from './side-by-side-texts.ts';

const everyCase = process.env.OCICAT_ALL_CASES === '1';
if (everyCase && findPeer() === undefined) throw new Error("OCICAT_ALL_CASES wants Calico's calicoctl in OCICAT_PEERS");
/** Every case takes two programs a start each. */
const TIMEOUT_MS = everyCase ? 3_600_000 : 300_000;
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
  if (everyCase) return all;
  const examples = new Set(documentDifferences.map((one) => one.example));
  return all.filter(({ id }) => Bun.hash.crc32(id) % SHARE === 0 || examples.has(id) || !id.includes(' '));
}

/** A store of a program's own. */
interface Side extends RecordedStore {
  readonly server: EtcdServer;
}

async function openSide(): Promise<Side> {
  const server = await startEtcd();
  return { server, endpoint: server.endpoint, store: await openStoreAt(server.endpoint) };
}

async function closeSide(side: Side | undefined): Promise<void> {
  await side?.store.close();
  await side?.server.stop();
}

/** What a program makes of a document: the stored values, or undefined when it refuses. The store is as before then. */
async function judge(run: Run, store: Datastore, keep: ReadonlySet<string>, input: string) {
  const { status } = await run(['apply', '-f', '-'], input);
  const written = (await readResources(store)).filter(({ key }) => !keep.has(key));
  await removeAll(store, written);
  return status === 0 ? written.map(comparable) : undefined;
}

function compareOutcomes(ours: readonly string[] | undefined, theirs: readonly string[] | undefined): Outcome | 'same' {
  if (ours === undefined) return theirs === undefined ? 'same' : 'refused';
  if (theirs === undefined) return 'taken';
  return ours.join('\n') === theirs.join('\n') ? 'same' : 'stored';
}

describe('the same documents', () => {
  let ours: Side;
  let theirs: Side;
  let peer: Recording;
  let keep: ReadonlySet<string>;

  beforeAll(async () => {
    [ours, theirs] = [await openSide(), await openSide()];
    peer = openPeer('documents');
    for (const run of [ourProgram(ours.endpoint), peer.openScene('before all', theirs)]) {
      expect(await run(['apply', '-f', '-'], BEFORE)).toEqual({
        status: 0,
        out: 'Successfully applied 2 resource(s)\n',
        err: '',
      });
    }
    const standing = await Promise.all([readResources(ours.store), readResources(theirs.store)]);
    keep = new Set(standing.flat().map(({ key }) => key));
  });

  afterAll(async () => {
    if (!everyCase) peer?.close();
    await closeSide(ours);
    await closeSide(theirs);
  });

  async function outcomeOf(id: string, input: string): Promise<Outcome | 'same'> {
    const [own, other] = await Promise.all([
      judge(ourProgram(ours.endpoint), ours.store, keep, input),
      judge(peer.openScene(id, theirs), theirs.store, keep, input),
    ]);
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
        const outcome = await outcomeOf(id, JSON.stringify(document));
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
    expect(await outcomeOf(`text: ${name}`, input)).toBe(difference?.outcome ?? 'same');
  });
});

/** Fields without effect are named by us alone. */
const IDLE_WARNING = /^warning: stored, and without effect here:\n(?: {2}.*\n)+/;

/** What Calico printed, as it looks with the differences of differences.ts. */
function asOurs(kind: string, format: string | undefined, ended: Ended): Ended {
  if (format === 'json') return { ...ended, out: `${ended.out}\n` };
  if (kind !== 'Profile' || format === 'yaml') return ended;
  return { ...ended, out: ended.out.replace(/ +$/gm, '').replace(/\n\n$/, '\n') };
}

describe('taking turns on one store', () => {
  let side: Side;
  let peer: Recording;

  beforeAll(async () => {
    side = await openSide();
    peer = openPeer('turns');
    expect((await ourProgram(side.endpoint)(['apply', '-f', '-'], BEFORE)).status).toBe(0);
  });

  afterAll(async () => {
    peer?.close();
    await closeSide(side);
  });

  const turns = bases.flatMap((base) => [
    [base.id, 'Ocicat', base, 0, 1] as const,
    [base.id, 'Calico', base, 1, 0] as const,
  ]);

  test.each(turns)(
    '%s, written by %s, is read and changed by the other',
    async (id, writerName, { kind, document }, first, second) => {
      const programs = [ourProgram(side.endpoint), peer.openScene(`${id}, written by ${writerName}`, side)] as const;
      const [ours, theirs] = programs;
      const [writer, other] = [programs[first], programs[second]];
      const { name, namespace } = (
        document as { readonly metadata: { readonly name: string; readonly namespace?: string } }
      ).metadata;
      const target = namespace === undefined ? [] : ['-n', namespace];
      const input = JSON.stringify(document);

      const both = async (...args: readonly string[]) => {
        const [one, two] = await Promise.all([ours([...args, ...target]), theirs([...args, ...target])]);
        expect([one.status, one.err]).toEqual([0, '']);
        const format = args[args.indexOf('-o') + 1];
        const table = args.includes('-o') ? (format === 'wide' ? 'wide' : undefined) : 'ps';
        if (table !== undefined && crashingTables[kind]?.includes(table)) expect(two.err).toContain('panic: ');
        else expect(asOurs(kind, format, two)).toEqual({ ...one, out: settle(one.out) });
        return one.out;
      };
      const done = async (run: Run, args: readonly string[], expected: string, text = '') => {
        const ended = await run([...args, ...target], text);
        expect({ ...ended, err: ended.err.replace(IDLE_WARNING, '') }).toEqual({
          status: 0,
          out: `${expected}\n`,
          err: '',
        });
      };

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
      expect(settle(replaced)).toBe(settle(yaml));
      await done(writer, ['apply', '-f', '-'], `Successfully applied 1 '${kind}' resource(s)`, replaced);
      await done(other, ['delete', kind, name], `Successfully deleted 1 '${kind}' resource(s)`);
      for (const run of programs) expect((await run(['get', kind, name, ...target])).status).toBe(1);
    },
    TIMEOUT_MS,
  );

  test('the table of profiles differs as the guide wants it', async () => {
    const [ours, theirs] = [ourProgram(side.endpoint), peer.openScene('the table of profiles', side)];
    const profile = bases.find((base) => base.kind === 'Profile');
    expect((await ours(['apply', '-f', '-'], JSON.stringify(profile?.document))).status).toBe(0);
    expect((await ours(['get', 'profiles'])).out).toBe('NAME\nnetwork1\n');
    expect((await theirs(['get', 'profiles'])).out.replace(/ +$/gm, '')).toBe(
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
