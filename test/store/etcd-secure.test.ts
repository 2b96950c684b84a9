// TLS, users and passwords, and DNS discovery, each with a real etcd that asks for them.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isOcicatError } from '../../src/base/errors.ts';
import { type EtcdSettings, openEtcd } from '../../src/datastore/etcd/client.ts';
import { discoverEndpoints } from '../../src/datastore/etcd/discovery.ts';
import { parseDatastoreConfig } from '../../src/datastore/open/config.ts';
import { loadDatastoreConfig, openDatastore } from '../../src/datastore/open/open.ts';
import type { Datastore, WatchEvent } from '../../src/datastore/port.ts';
import { thrownBy } from '../support/datastore/contract.ts';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.ts';

const opened: Datastore[] = [];
afterAll(async () => {
  for (const datastore of opened) await datastore.close();
});

function connect(server: EtcdServer, settings: Partial<EtcdSettings> = {}): Datastore {
  const datastore = openEtcd({ endpoints: async () => [server.endpoint], connectRetryMs: 300, ...settings });
  opened.push(datastore);
  return datastore;
}

function run(...argv: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...argv]);
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
}

/** A CA and what it signed for 127.0.0.1 and for a client, and another CA that nobody trusts. */
function makeCertificates(directory: string): void {
  const at = (name: string) => join(directory, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  for (const ca of ['ca', 'other-ca'])
    run('openssl', 'req', '-x509', ...key, '-keyout', at(`${ca}.key`), '-out', at(`${ca}.pem`), '-subj', `/CN=${ca}`);
  for (const [name, ca, subject, names] of [
    ['server', 'ca', '/CN=etcd', 'subjectAltName=IP:127.0.0.1'],
    ['client', 'ca', '/CN=root', 'subjectAltName=DNS:client'],
    ['stranger', 'other-ca', '/CN=root', 'subjectAltName=DNS:client'],
  ] as const) {
    const signer = ['-CA', at(`${ca}.pem`), '-CAkey', at(`${ca}.key`)];
    const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)];
    run('openssl', 'req', '-x509', ...key, ...signer, ...files, '-subj', subject, '-addext', names);
  }
}

describe('etcd with TLS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ocitest-tls-'));
  const file = (name: string) => join(directory, name);
  const pem = (name: string) => readFileSync(file(name), 'utf8');
  let server: EtcdServer;
  beforeAll(async () => {
    makeCertificates(directory);
    server = await startEtcd({
      tls: { certFile: file('server.pem'), keyFile: file('server.key'), clientCaFile: file('ca.pem') },
    });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test('lets in who shows the right certificate', async () => {
    const tls = { ca: pem('ca.pem'), cert: pem('client.pem'), key: pem('client.key') };
    expect((await connect(server, { tls }).get('a')).kv).toBeUndefined();
  });

  const refused: readonly (readonly [string, () => EtcdSettings['tls'], RegExp])[] = [
    [
      'no certificate',
      () => ({ ca: pem('ca.pem') }),
      /: the server wants another client certificate \(ALERT_BAD_CERTIFICATE\)$/,
    ],
    [
      "a stranger's certificate",
      () => ({ ca: pem('ca.pem'), cert: pem('stranger.pem'), key: pem('stranger.key') }),
      /: the server wants another client certificate \(ALERT_BAD_CERTIFICATE\)$/,
    ],
    [
      'a server that its CA does not vouch for',
      () => ({ ca: pem('other-ca.pem'), cert: pem('client.pem'), key: pem('client.key') }),
      /: unable to verify the first certificate$/,
    ],
    ['a server that nobody vouches for', () => ({}), /: unable to verify the first certificate$/],
  ];
  for (const [name, tls, expected] of refused)
    test(`refuses ${name}, naming the endpoint`, async () => {
      const error = await thrownBy(connect(server, { tls: tls() ?? {} }).get('a'));
      expect(String(error)).toContain(`connect to etcd "${server.endpoint}": `);
      expect(String(error)).toMatch(expected);
      expect(isOcicatError(error, 'unavailable')).toBe(true);
    });

  test('is opened from files and from texts in a configuration', async () => {
    const fromEnvironment = parseDatastoreConfig({
      kind: 'environment',
      environment: {
        ETCD_ENDPOINTS: server.endpoint,
        ETCD_CA_CERT_FILE: file('ca.pem'),
        ETCD_CERT_FILE: file('client.pem'),
        ETCD_KEY_FILE: file('client.key'),
      },
    });
    const spec = {
      etcdEndpoints: server.endpoint,
      etcdCACert: pem('ca.pem'),
      etcdCert: pem('client.pem'),
      etcdKey: pem('client.key'),
    };
    const document = { apiVersion: 'projectcalico.org/v3', kind: 'CalicoAPIConfig', metadata: {}, spec };
    await Bun.write(file('calicoctl.cfg'), JSON.stringify(document));
    for (const config of [fromEnvironment, await loadDatastoreConfig(file('calicoctl.cfg'), true, {})]) {
      const datastore = await openDatastore(config);
      opened.push(datastore);
      expect((await datastore.list('')).kvs).toEqual([]);
    }
  });

  test('certificate and configuration files that cannot be read are named', async () => {
    const environment = { ETCD_ENDPOINTS: server.endpoint, ETCD_CA_CERT_FILE: file('nowhere.pem') };
    expect(await thrownBy(openDatastore(parseDatastoreConfig({ kind: 'environment', environment })))).toMatchObject({
      code: 'invalid',
      message: `read "${file('nowhere.pem')}" for the datastore: it cannot be read`,
    });
    expect(await thrownBy(loadDatastoreConfig(file('nowhere.cfg'), true, {}))).toMatchObject({
      code: 'invalid',
      message: `read datastore configuration "${file('nowhere.cfg')}": there is no such file`,
    });
    await Bun.write(file('broken.cfg'), 'spec: {etcdPassword: hunter2');
    expect(await thrownBy(loadDatastoreConfig(file('broken.cfg'), false, {}))).toMatchObject({
      code: 'invalid',
      message: `read datastore configuration "${file('broken.cfg')}": line 1: it is no YAML, or not as it is meant`,
    });
    expect(await loadDatastoreConfig(file('nowhere.cfg'), false, { ETCD_ENDPOINTS: 'http://a:1' })).toMatchObject({
      servers: { kind: 'endpoints', endpoints: ['http://a:1'] },
    });
  });
});

describe('etcd with users', () => {
  let server: EtcdServer;
  const root = { username: 'root', password: 'pässword' };
  const user = { username: 'reader', password: 'r' };
  const asRoot = ['--user', `${root.username}:${root.password}`];
  beforeAll(async () => {
    server = await startEtcd({ flags: ['--auth-token', 'simple'] });
    await server.ctl('user', 'add', `${root.username}:${root.password}`);
    await server.ctl('user', 'add', `${user.username}:${user.password}`);
    await server.ctl('role', 'add', 'reading');
    await server.ctl('role', 'grant-permission', 'reading', 'read', '/public/', '--prefix');
    await server.ctl('user', 'grant-role', user.username, 'reading');
    await server.ctl('user', 'grant-role', root.username, 'root');
  });
  afterAll(() => server.stop());

  test('credentials do no harm while nobody asks for them', async () => {
    expect((await connect(server, { credentials: root }).get('a')).kv).toBeUndefined();
  });

  describe('switched on', () => {
    beforeAll(async () => void (await server.ctl('auth', 'enable')));

    test('the right password is let in, others are denied, and the password is in no message', async () => {
      const writes = [{ kind: 'put', key: '/public/a', value: '1' }] as const;
      const good = connect(server, { credentials: root });
      expect((await good.commit({ conditions: [], writes })).kind).toBe('committed');
      for (const credentials of [
        { ...root, password: 'hunter2' },
        { username: 'nobody', password: 'hunter2' },
      ]) {
        const error = await thrownBy(connect(server, { credentials }).get('/public/a'));
        expect(error).toMatchObject({
          code: 'denied',
          message: `log in to etcd "${server.endpoint}" as "${credentials.username}": etcdserver: authentication failed, invalid user ID or password`,
        });
      }
      expect(await thrownBy(connect(server).get('/public/a'))).toMatchObject({
        code: 'denied',
        message: expect.stringMatching(/etcdserver: user name is empty/),
      });
    });

    test('a user may do what its role allows', async () => {
      const datastore = connect(server, { credentials: user });
      expect((await datastore.list('/public/')).kvs.length).toBe(1);
      expect(await thrownBy(datastore.list('/private/'))).toMatchObject({
        code: 'denied',
        message: `list "/private/" at "${server.endpoint}": etcdserver: permission denied`,
      });
      const watch = (async () => {
        for await (const batch of datastore.watch('/private/', 1, new AbortController().signal)) return batch;
        return undefined;
      })();
      expect(await thrownBy(watch)).toMatchObject({ code: 'denied' });
    });

    test('a token lost in a restart is replaced, for requests and for watches', async () => {
      const datastore = connect(server, { credentials: root });
      const { revision } = await datastore.list('/public/');
      const stop = new AbortController();
      const events: WatchEvent[] = [];
      const watching = (async () => {
        for await (const batch of datastore.watch('/public/', revision + 1, stop.signal)) events.push(...batch.events);
      })();
      await server.ctl(...asRoot, 'put', '/public/b', '1');
      for (let n = 0; n < 2; n += 1) {
        await server.kill();
        await server.start();
        await server.ctl(...asRoot, 'put', '/public/b', '2');
        expect((await datastore.get('/public/b')).kv?.value).toBe('2');
      }
      for (let waited = 0; waited < 500 && events.length < 3; waited += 1) await Bun.sleep(10);
      expect(events.length).toBe(3);
      stop.abort();
      await watching;
    });

    test('a change of roles outdates the token without anybody noticing', async () => {
      const datastore = connect(server, { credentials: user });
      expect((await datastore.list('/public/')).kvs.length).toBeGreaterThan(0);
      await server.ctl(...asRoot, 'role', 'grant-permission', 'reading', 'read', '/more/', '--prefix');
      expect((await datastore.list('/more/')).kvs).toEqual([]);
      expect((await datastore.list('/public/')).kvs.length).toBeGreaterThan(0);
    });
  });
});

describe('DNS discovery', () => {
  test('leads to a server that answers', async () => {
    const server = await startEtcd();
    const resolveSrv = async (name: string) => {
      if (name !== '_etcd-client._tcp.example.test') throw new Error(`querySrv ENOTFOUND ${name}`);
      return [
        { name: '127.0.0.1', port: server.port, priority: 20, weight: 0 },
        { name: '127.0.0.1.', port: 1, priority: 10, weight: 5 },
      ];
    };
    const endpoints = () => discoverEndpoints('example.test', resolveSrv);
    expect(await endpoints()).toEqual(['http://127.0.0.1:1', server.endpoint]);
    expect((await connect(server, { endpoints }).get('a')).kv).toBeUndefined();
    await server.stop();
  });
});
