// What another program answered, as data. Where the program is on the machine it runs, and each answer is written down with
// what it changed in the store; elsewhere the recording answers in its stead and makes the same changes.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Datastore, Write } from '../../src/datastore/port.ts';

/** How a command ended. */
export interface Ended {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** `argv` without the program; `input` is its standard input. */
export type Run = (argv: readonly string[], input?: string) => Promise<Ended>;

interface Answer extends Ended {
  readonly argv: readonly string[];
  /** Keys of the store and what stands there after the command, null where it is gone; only what has changed. */
  readonly writes: Readonly<Record<string, string | null>>;
}

interface Origin {
  /** The program, and the version that answered. */
  readonly program: string;
  readonly version: string;
}

/** The store that a program is given. */
export interface RecordedStore {
  readonly endpoint: string;
  readonly store: Datastore;
}

export interface Recording {
  /** What answers in one scene, a row of commands that stands for itself. */
  openScene(name: string, target: RecordedStore): Run;
  /** Writes down what was recorded since; the scenes that were not played stay unless OCICAT_WRITE=1. */
  close(): void;
}

const ROOT = '/calico/';
const UID = /\b(uid"?: ?"?)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const CREATED = /(creationTimestamp"?: ?"?)\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z/g;

/** A text without what differs from run to run: UIDs, times of creation and revisions are each the same one, a crash has no trace. */
export function settle(text: string): string {
  return text
    .replace(/\n+goroutine \d+ [\s\S]*/, '\n')
    .replace(UID, (_all, key: string) => `${key}00000000-0000-4000-8000-000000000000`)
    .replace(CREATED, (_all, key: string) => `${key}2026-01-01T00:00:00Z`)
    .replace(/(resourceVersion"?: )"\d+"/g, '$1"1"');
}

async function readStore(store: Datastore): Promise<ReadonlyMap<string, string>> {
  return new Map((await store.list(ROOT)).kvs.map(({ key, value }) => [key, value]));
}

function diffStores(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): Answer['writes'] {
  const changed = [...after].filter(([key, value]) => before.get(key) !== value);
  const gone = [...before.keys()].filter((key) => !after.has(key));
  return Object.fromEntries([
    ...changed.map(([key, value]) => [key, settle(value)] as const),
    ...gone.map((key) => [key, null] as const),
  ]);
}

function toWrites(writes: Answer['writes']): readonly Write[] {
  return Object.entries(writes).map(
    ([key, value]): Write => (value === null ? { kind: 'delete', key } : { kind: 'put', key, value }),
  );
}

type Scenes = Map<string, readonly Answer[]>;

function readScenes(file: string): Scenes {
  if (!existsSync(file)) return new Map();
  const [, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  return new Map(lines.map((line) => JSON.parse(line) as readonly [string, readonly Answer[]]));
}

function writeScenes(file: string, origin: Origin, scenes: Scenes): void {
  const lines = [origin, ...[...scenes].sort(([a], [b]) => (a < b ? -1 : 1))].map((one) => JSON.stringify(one));
  writeFileSync(file, `${lines.join('\n')}\n`);
}

/** The program itself, whose answers go into `scenes`. */
function record(run: Run, scenes: Scenes, name: string, store: Datastore): Run {
  scenes.set(name, []);
  return async (argv, input) => {
    const before = await readStore(store);
    const { status, out, err } = await run(argv, input);
    const ended = { status, out: settle(out), err: settle(err) };
    const answer = { argv, ...ended, writes: diffStores(before, await readStore(store)) };
    scenes.set(name, [...(scenes.get(name) ?? []), answer]);
    return ended;
  };
}

/** The recording in the program's stead; another command than the one that was recorded is an error. */
function replay(answers: readonly Answer[], name: string, store: Datastore): Run {
  let at = 0;
  return async (argv) => {
    const answer = answers[at++];
    if (answer === undefined || argv.join(' ') !== answer.argv.join(' '))
      throw new Error(`${name}: "${argv.join(' ')}" was not recorded: run it with OCICAT_PEERS`);
    const writes = toWrites(answer.writes);
    if (writes.length > 0) await store.commit({ conditions: [], writes });
    return { status: answer.status, out: answer.out, err: answer.err };
  };
}

/** `live` runs the program on the store of an endpoint; undefined where it is not on the machine. */
export function openRecording(file: string, live: ((endpoint: string) => Run) | undefined, origin: Origin): Recording {
  const recorded = readScenes(file);
  if (live === undefined)
    return {
      openScene: (name, { store }) => replay(recorded.get(name) ?? [], name, store),
      close: () => undefined,
    };
  const played: Scenes = new Map();
  return {
    openScene: (name, { endpoint, store }) => record(live(endpoint), played, name, store),
    close() {
      if (played.size === 0) return;
      writeScenes(file, origin, process.env.OCICAT_WRITE === '1' ? played : new Map([...recorded, ...played]));
    },
  };
}

/** The version of Calico's calicoctl in a folder; empty where there is none. */
export function readPeerVersion(folder: string): string {
  const path = join(folder, 'calicoctl');
  if (folder === '' || !existsSync(path)) return '';
  const { stdout } = Bun.spawnSync([path, 'version', '--client'], { env: {} });
  return /Client Version: *(\S+)/.exec(stdout.toString())?.[1] ?? 'unknown';
}
