// A store in memory or in etcd and calicoctl on it: every command with its whole output.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Paint, paintNothing } from '../../src/cli/paint.ts';
import type { Environment, OpenStore } from '../../src/ctl/cli/command.ts';
import { runCalicoctl } from '../../src/ctl/main/calicoctl.ts';
import type { Datastore } from '../../src/datastore/port.ts';
import { openMemoryDatastore } from '../support/datastore/memory.ts';

interface Result {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export interface Session {
  readonly datastore: Datastore;
  /** A folder for files; commands name them by it. */
  readonly folder: string;
  /** Runs a line, words split at blanks; `'…'` keeps blanks. */
  run(line: string, input?: string, environment?: Environment): Promise<Result>;
  /** Writes a file into the folder and returns its path. */
  file(name: string, text: string): string;
  close(): void;
}

function splitLine(line: string): readonly string[] {
  return [...line.matchAll(/(?:'[^']*'|[^\s'])+/g)].map((match) => match[0].replaceAll("'", ''));
}

/** What differs from run to run is put into words: uids, times, revisions. */
export function steady(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UID')
    .replace(/\b[0-9a-f]{32}\b/g, 'GUID')
    .replace(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z/g, 'TIME')
    .replace(/(resourceVersion"?: )"\d+"/g, '$1"REVISION"');
}

/** Commands share one store; none of them closes it. */
export function openSession(datastore: Datastore = openMemoryDatastore()): Session {
  const folder = mkdtempSync(join(tmpdir(), 'ocitest-ctl-'));
  const openStore: OpenStore = async () => ({ ...datastore, close: async () => undefined });
  return {
    datastore,
    folder,
    async run(line, input = '', environment = {}) {
      let out = '';
      let err = '';
      const stdio = {
        write: (text: string) => {
          out += text;
        },
        writeExact: (text: string) => {
          out += text;
        },
        writePainted: (make: (paint: Paint) => string) => {
          out += make(paintNothing);
        },
        writeError: (text: string) => {
          err += text;
        },
        read: async () => new TextEncoder().encode(input),
        interactive: false,
      };
      const signal = new AbortController().signal;
      const status = await runCalicoctl(splitLine(line), environment, stdio, signal, openStore);
      const plain = (text: string) => steady(text.replaceAll(`${folder}/`, ''));
      return { status, out: plain(out), err: plain(err) };
    },
    file(name, text) {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
