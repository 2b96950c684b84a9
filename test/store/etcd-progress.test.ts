// Watches that nothing happens to, while others write elsewhere: they follow, also where the server does not know the question
// how far it has come.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEtcd } from '../../src/datastore/etcd/client.ts';
import { openSync, type SyncMessage } from '../../src/datastore/sync/sync.ts';
import { type EtcdServer, freePort, startEtcd } from '../support/etcd/etcd-server.ts';

/** Longer than from one question to the next. */
const STALL_MS = 7_000;
const folder = mkdtempSync(join(tmpdir(), 'ocitest-progress-'));
let server: EtcdServer;

beforeAll(async () => {
  server = await startEtcd();
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What is seen below /a/ through a proxy that keeps something back, until something changes there. */
async function follow(fault: string): Promise<readonly SyncMessage['kind'][]> {
  const [port, faultFile] = [await freePort(), join(folder, `fault-${fault}`)];
  writeFileSync(faultFile, fault);
  const command = [
    process.execPath,
    join(import.meta.dir, '../support/etcd/etcd-proxy.ts'),
    `${port}`,
    server.endpoint,
    faultFile,
  ];
  const proxy = Bun.spawn(command, { stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' });
  await proxy.stdout.getReader().read();
  const datastore = openEtcd({ endpoints: async () => [`http://127.0.0.1:${port}`] });
  const seen: SyncMessage['kind'][] = [];
  try {
    for await (const { kind } of openSync(datastore, ['/a/'], new AbortController().signal, STALL_MS)) {
      seen.push(kind);
      if (kind === 'updates') return seen;
    }
    return seen;
  } finally {
    await datastore.close();
    proxy.kill('SIGKILL');
    await proxy.exited;
  }
}

test('a quiet prefix is followed while others write elsewhere, by servers that say how far they have come and by older ones', async () => {
  const following = Promise.all(['', 'no-progress'].map(follow));
  for (let waitedMs = 0; waitedMs < 1.8 * STALL_MS; waitedMs += 500) {
    await server.ctl('put', '/b/1', `${waitedMs}`);
    await Bun.sleep(500);
  }
  await server.ctl('put', '/a/1', 'x');
  for (const seen of await following) {
    expect(seen).not.toContain('disconnected');
    expect(seen.filter((kind) => kind === 'progress').length).toBeGreaterThanOrEqual(2);
    expect(seen.at(-1)).toBe('updates');
  }
}, 60_000);
