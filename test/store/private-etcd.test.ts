import { afterEach, describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openPrivateEtcd, type PrivateEtcd } from '../../src/agent/private-etcd.ts';
import { openEtcd } from '../../src/datastore/etcd/client.ts';
import { freePort } from '../support/etcd/etcd-server.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
});

function newDirectory(): string {
  const root = mkdtempSync(join(tmpdir(), 'ocitest-private-'));
  undo.push(() => rmSync(root, { recursive: true, force: true }));
  return join(root, 'etcd');
}

const runDirectoryOf = (dataDirectory: string) => join(dirname(dataDirectory), 'run');
const urlOf = (dataDirectory: string) => `unix://${runDirectoryOf(dataDirectory)}/client:0`;

async function start(dataDirectory: string) {
  const lines: string[] = [];
  const options = {
    dataDirectory,
    runDirectory: runDirectoryOf(dataDirectory),
    log: (line: string) => void lines.push(line),
  };
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
    const directory = newDirectory();
    const url = urlOf(directory);
    const first = await start(directory);
    await connect(url).commit(write);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    await first.etcd.close();
    expect(pidsOf(directory)).toEqual([]);
    const second = await start(directory);
    expect((await connect(url).get('a')).kv?.value).toBe('1');
    expect([...first.lines, ...second.lines]).toEqual([]);
  }, 20_000);

  test('is started again when it dies', async () => {
    const directory = newDirectory();
    const url = urlOf(directory);
    const { lines } = await start(directory);
    const datastore = connect(url);
    await datastore.commit(write);
    const pid = await until(() => pidsOf(directory)[0]);
    process.kill(pid, 'SIGKILL');
    await until(() => pidsOf(directory).find((next) => next !== pid));
    expect((await datastore.get('a')).kv?.value).toBe('1');
    expect(lines).toEqual(['private etcd ended: it ended with SIGKILL; starting it again in 200 ms']);
  }, 20_000);

  test('nobody but root can connect: it has no network socket, and its directory is shut to others', async () => {
    const directory = newDirectory();
    const run = runDirectoryOf(directory);
    mkdirSync(run, { mode: 0o777 });
    chmodSync(dirname(directory), 0o755);
    await start(directory);
    const [pid] = pidsOf(directory);
    expect(Bun.spawnSync(['ss', '-tulnpH']).stdout.toString()).not.toContain(`pid=${pid},`);
    for (const kept of [directory, run]) expect(statSync(kept).mode & 0o777).toBe(0o700);
    const get = ['etcdctl', '--endpoints', urlOf(directory), '--dial-timeout=1s', '--command-timeout=1s', 'get', 'a'];
    const as = (...prefix: readonly string[]) =>
      Bun.spawnSync([...prefix, ...get], { env: { ...process.env, ETCDCTL_API: '3' }, timeout: 10_000 }).exitCode;
    expect({ root: as(), nobody: as('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups') }).toEqual({
      root: 0,
      nobody: 1,
    });
  }, 20_000);

  test('takes over the data of a private store that listened on 127.0.0.1', async () => {
    const directory = newDirectory();
    mkdirSync(directory, { mode: 0o700 });
    const former = `http://127.0.0.1:${await freePort()}`;
    const etcd = Bun.spawn(
      [
        ...['setpriv', '--pdeathsig', 'KILL', 'etcd', '--name', 'private', '--data-dir', directory],
        ...['--listen-client-urls', former, '--advertise-client-urls', former],
        ...['--listen-peer-urls', 'http://127.0.0.1:0', '--initial-advertise-peer-urls', 'http://127.0.0.1:2380'],
        ...['--initial-cluster', 'private=http://127.0.0.1:2380'],
      ],
      { stdout: 'ignore', stderr: 'ignore' },
    );
    await connect(former).commit(write);
    etcd.kill('SIGTERM');
    await etcd.exited;
    await start(directory);
    expect((await connect(urlOf(directory)).get('a')).kv?.value).toBe('1');
  }, 20_000);

  test('ends with its agent, however that ends', async () => {
    const directory = newDirectory();
    const program = `
      import { openPrivateEtcd } from '${join(import.meta.dir, '../../src/agent/private-etcd.ts')}';
      const options = { ...${JSON.stringify({ dataDirectory: directory, runDirectory: runDirectoryOf(directory) })}, log: () => undefined };
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
