// The two calicoctls: ours inside this process, Calico's from OCICAT_PEERS or from what was recorded of it.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Paint, paintNothing } from '../../src/cli/paint.ts';
import { runCalicoctl } from '../../src/ctl/main/calicoctl.ts';
import { loadDatastoreConfig, openDatastore } from '../../src/datastore/open/open.ts';
import type { Datastore, KeyValue } from '../../src/datastore/port.ts';
import { openRecording, type Recording, type Run, readPeerVersion } from '../support/recording.ts';

/** Calico's own calicoctl, or undefined where OCICAT_PEERS names no folder with it. */
export function findPeer(): string | undefined {
  const folder = process.env.OCICAT_PEERS;
  const path = folder === undefined ? undefined : join(folder, 'calicoctl');
  return path !== undefined && existsSync(path) ? path : undefined;
}

function environmentFor(endpoint: string): Record<string, string> {
  return { DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: endpoint, PATH: process.env.PATH ?? '' };
}

/** Calico's calicoctl, as it is on this machine. */
function peerProgram(path: string, endpoint: string): Run {
  return async (argv, input = '') => {
    const child = Bun.spawn([path, ...argv], {
      env: environmentFor(endpoint),
      stdin: Buffer.from(input),
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { status: await child.exited, out, err };
  };
}

/** What Calico's calicoctl answers: itself where it is, else its recording of this name. */
export function openPeer(name: string): Recording {
  const path = findPeer();
  const live = path === undefined ? undefined : (endpoint: string) => peerProgram(path, endpoint);
  const version = readPeerVersion(process.env.OCICAT_PEERS ?? '');
  return openRecording(join(import.meta.dir, 'recorded', `${name}.jsonl`), live, { program: 'calicoctl', version });
}

export function ourProgram(endpoint: string): Run {
  return async (argv, input = '') => {
    const text = { out: '', err: '' };
    const stdio = {
      write: (part: string) => {
        text.out += part;
      },
      writeExact: (part: string) => {
        text.out += part;
      },
      writePainted: (make: (paint: Paint) => string) => {
        text.out += make(paintNothing);
      },
      writeError: (part: string) => {
        text.err += part;
      },
      read: async () => new TextEncoder().encode(input),
      interactive: false,
    };
    const status = await runCalicoctl(argv, environmentFor(endpoint), stdio, new AbortController().signal);
    return { status, ...text };
  };
}

export async function openStoreAt(endpoint: string): Promise<Datastore> {
  return openDatastore(await loadDatastoreConfig('/nonexistent', false, environmentFor(endpoint)));
}

const RESOURCES = '/calico/resources/v3/projectcalico.org/';

/** Everything in a store that is a resource. */
export async function readResources(store: Datastore): Promise<readonly KeyValue[]> {
  return (await store.list(RESOURCES)).kvs;
}

/** A stored value without what differs from run to run: uid, times, versions of programs. Order of fields counts. */
export function comparable({ key, value }: KeyValue): string {
  const resource = JSON.parse(value) as { readonly metadata: object };
  const metadata = { ...resource.metadata, uid: undefined, creationTimestamp: undefined };
  return `${key} ${JSON.stringify({ ...resource, metadata })}`;
}

/** Removes keys, whatever stands there by now. */
export async function removeAll(store: Datastore, kvs: readonly KeyValue[]): Promise<void> {
  if (kvs.length === 0) return;
  await store.commit({ conditions: [], writes: kvs.map(({ key }) => ({ kind: 'delete', key })) });
}
