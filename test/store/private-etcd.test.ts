import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPrivateEtcd, type PrivateEtcd } from '../../src/agent/private-etcd.ts';
import { thrownBy } from '../../src/datastore/contract.ts';
import { openEtcd } from '../../src/datastore/etcd/client.ts';
import { freePort } from './etcd-server.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
});

function newDirectory(): string {
  const root = mkdtempSync(join(tmpdir(), 'ocitest-private-'));
  undo.push(() => rmSync(root, { recursive: true, force: true }));
  return join(root, 'etcd');
}

async function start(dataDirectory: string, clientUrl: string) {
  const lines: string[] = [];
  const options = { dataDirectory, clientUrl, log: (line: string) => void lines.push(line) };
  const etcd: PrivateEtcd = await openPrivateEtcd(options, new AbortController().signal);
  undo.push(() => etcd.close());
  return { etcd, lines };
}

function connect(clientUrl: string) {
  const datastore = openEtcd({ endpoints: async () => [clientUrl] });
  undo.push(() => datastore.close());
  return datastore;
}

/** The one process that serves this data directory. */
function pidsOf(dataDirectory: string): readonly number[] {
  const { stdout } = Bun.spawnSync(['pgrep', '-f', `^etcd .*--data-dir ${dataDirectory} `]);
  return stdout.toString().split('\n').filter(Boolean).map(Number);
}

async function until<T>(look: () => T | undefined): Promise<T> {
  for (let waited = 0; waited < 500; waited += 1) {
    const seen = look();
    if (seen !== undefined) return seen;
    await Bun.sleep(20);
  }
  throw new Error('it has not come true in time');
}

const write = { conditions: [], writes: [{ kind: 'put', key: 'a', value: '1' }] } as const;

describe('private etcd', () => {
  test('serves, keeps its data over a restart of the agent, and is root alone', async () => {
    const [directory, url] = [newDirectory(), `http://127.0.0.1:${await freePort()}`];
    const first = await start(directory, url);
    await connect(url).commit(write);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    await first.etcd.close();
    expect(pidsOf(directory)).toEqual([]);
    const second = await start(directory, url);
    expect((await connect(url).get('a')).kv?.value).toBe('1');
    expect([...first.lines, ...second.lines]).toEqual([]);
  }, 20_000);

  test('is started again when it dies', async () => {
    const [directory, url] = [newDirectory(), `http://127.0.0.1:${await freePort()}`];
    const { lines } = await start(directory, url);
    const datastore = connect(url);
    await datastore.commit(write);
    const pid = await until(() => pidsOf(directory)[0]);
    process.kill(pid, 'SIGKILL');
    await until(() => pidsOf(directory).find((next) => next !== pid));
    expect((await datastore.get('a')).kv?.value).toBe('1');
    expect(lines).toEqual(['private etcd ended: it ended with SIGKILL; starting it again in 200 ms']);
  }, 20_000);

  test('a taken port is an error that says so, not a stranger taken for ours', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    await start(newDirectory(), url);
    const second = newDirectory();
    const error = await thrownBy(start(second, url));
    expect(error).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^start private etcd: .*bind: address already in use$/),
    });
    expect(pidsOf(second)).toEqual([]);
  }, 20_000);

  test('ends with its agent, however that ends', async () => {
    const [directory, url] = [newDirectory(), `http://127.0.0.1:${await freePort()}`];
    const program = `
      import { openPrivateEtcd } from '${join(import.meta.dir, '../../src/agent/private-etcd.ts')}';
      const options = { ...${JSON.stringify({ dataDirectory: directory, clientUrl: url })}, log: () => undefined };
      await openPrivateEtcd(options, new AbortController().signal);
      console.log('serving');
      await new Promise(() => setInterval(() => undefined, 1000));`;
    const agent = Bun.spawn([process.execPath, '-e', program], { stdout: 'pipe', stderr: 'ignore' });
    undo.push(() => agent.kill('SIGKILL'));
    const { value } = await agent.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toBe('serving\n');
    expect(pidsOf(directory).length).toBe(1);
    agent.kill('SIGKILL');
    await agent.exited;
    await until(() => (pidsOf(directory).length === 0 ? true : undefined));
  }, 20_000);
});
