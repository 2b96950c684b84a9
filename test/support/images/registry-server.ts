// A real registry (Debian's docker-registry) on a free port of the loopback, for tests.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface RegistryOptions {
  /** PEM files: serve https. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** More of the configuration file: the `auth` section. */
  readonly auth?: string;
}

export interface RegistryServer {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly url: string;
  /** Where blobs lie: `docker/registry/v2/...` below it. */
  readonly storage: string;
  close(): Promise<void>;
}

export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Starts and waits until it answers. */
export async function openRegistryServer(options: RegistryOptions = {}): Promise<RegistryServer> {
  const dir = mkdtempSync(join(tmpdir(), 'ocicat-registry-'));
  const storage = join(dir, 'storage');
  mkdirSync(storage);
  const host = `127.0.0.1:${await findFreePort()}`;
  const { tls } = options;
  const lines = [
    'version: 0.1',
    'log: {level: error, accesslog: {disabled: true}}',
    `storage: {filesystem: {rootdirectory: ${storage}}, delete: {enabled: true}}`,
    `http: {addr: "${host}"${tls === undefined ? '' : `, tls: {certificate: ${tls.certificate}, key: ${tls.key}}`}}`,
    options.auth ?? '',
  ];
  writeFileSync(join(dir, 'config.yml'), lines.join('\n'));
  const child = Bun.spawn(['setpriv', '--pdeathsig', 'KILL', 'docker-registry', 'serve', join(dir, 'config.yml')], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
    env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: 'none' },
  });
  const url = `${tls === undefined ? 'http' : 'https'}://${host}`;
  async function close(): Promise<void> {
    child.kill('SIGKILL');
    await child.exited;
    rmSync(dir, { recursive: true, force: true });
  }
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(`${url}/v2/`, { tls: { rejectUnauthorized: false } }).catch(() => undefined);
    if (answer !== undefined) return { host, url, storage, close };
    await Bun.sleep(25);
  }
  await close();
  throw new Error(`docker-registry does not answer at ${url}`);
}

/** A key and a certificate for 127.0.0.1, as PEM files in `dir`. */
export function makeCertificate(dir: string): { readonly certificate: string; readonly key: string } {
  const certificate = join(dir, 'certificate.pem');
  const key = join(dir, 'key.pem');
  const command = ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-keyout', key, '-out', certificate];
  const made = Bun.spawnSync([...command, ...names], { stdout: 'ignore', stderr: 'ignore' });
  if (made.exitCode !== 0) throw new Error('openssl cannot make a certificate');
  return { certificate, key };
}
