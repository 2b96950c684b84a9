// Finds the datastore's configuration and opens the datastore that it names.
import { readFileSync } from 'node:fs';
import { OcicatError } from '../../base/errors.ts';
import { type EtcdSettings, openEtcd } from '../etcd/client.ts';
import type { TlsMaterial } from '../etcd/connection.ts';
import { discoverEndpoints } from '../etcd/discovery.ts';
import type { Datastore } from '../port.ts';
import { type DatastoreConfig, type PemSource, PRIVATE_ETCD_ENDPOINT, parseDatastoreConfig } from './config.ts';

/** Undefined when there is no such file. */
function tryReadConfigFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new OcicatError('invalid', `read datastore configuration "${path}": it cannot be read`, { cause });
  }
}

/** The parser's message may quote the line, and the line may hold the password: only its number is printed. */
async function parseConfigFile(path: string, text: string): Promise<unknown> {
  const { readExactYaml } = await import('../../base/exact-yaml.ts');
  const reading = readExactYaml(text);
  if (reading.kind === 'read') return reading.value;
  const line = text.slice(0, reading.fault.offset).split('\n').length;
  const reason = 'it is no YAML, or not as it is meant';
  throw new OcicatError('invalid', `read datastore configuration "${path}": line ${line}: ${reason}`);
}

/**
 * The configuration in a file or, when there is none at that path, in the environment. Throws `invalid` for a file
 * that cannot be read or understood and, if it is `required`, for one that is not there.
 */
export async function loadDatastoreConfig(
  path: string,
  required: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<DatastoreConfig> {
  const text = tryReadConfigFile(path);
  if (text !== undefined) return parseConfigText(path, text);
  if (required) throw new OcicatError('invalid', `read datastore configuration "${path}": there is no such file`);
  return parseDatastoreConfig({ kind: 'environment', environment });
}

/** Where this machine's own store has been moved to, once it has: a file as calicoctl's, beside the agent's other files. */
export const MOVED_STORE_PATH = '/var/lib/calico/datastore.cfg';

/** The configuration that a file's text holds. Throws `invalid`; `path` is for its message. */
export async function parseConfigText(path: string, text: string): Promise<DatastoreConfig> {
  return parseDatastoreConfig({ kind: 'document', document: await parseConfigFile(path, text) });
}

/** This machine's own store is the one that it has been moved to, if it has. Throws `invalid`. */
export async function followMove(config: DatastoreConfig, path = MOVED_STORE_PATH): Promise<DatastoreConfig> {
  const text = config.servers.kind === 'private' ? tryReadConfigFile(path) : undefined;
  return text === undefined ? config : parseConfigText(path, text);
}

function readPem(source: PemSource): string {
  if (source.kind === 'inline') return source.pem;
  try {
    return readFileSync(source.path, 'utf8');
  } catch (cause) {
    throw new OcicatError('invalid', `read "${source.path}" for the datastore: it cannot be read`, { cause });
  }
}

function readTls({ ca, client }: DatastoreConfig): TlsMaterial {
  return {
    ...(ca === undefined ? {} : { ca: readPem(ca) }),
    ...(client === undefined ? {} : { cert: readPem(client.cert), key: readPem(client.key) }),
  };
}

function endpointsOf({ servers }: DatastoreConfig): EtcdSettings['endpoints'] {
  if (servers.kind === 'endpoints') return async () => servers.endpoints;
  if (servers.kind === 'private') return async () => [PRIVATE_ETCD_ENDPOINT];
  return async () => {
    const { resolveSrv } = await import('node:dns/promises');
    return discoverEndpoints(servers.domain, resolveSrv);
  };
}

/**
 * Reads the certificates and returns the store; it connects with the first request. Throws `invalid` when a
 * certificate file cannot be read, and `aborted`. Close it in the end.
 */
export async function openDatastore(
  config: DatastoreConfig,
  signal?: AbortSignal,
  times: Pick<EtcdSettings, 'timeoutMs' | 'connectTimeoutMs' | 'connectRetryMs'> = {},
): Promise<Datastore> {
  if (config.servers.kind === 'private' && process.geteuid?.() !== 0)
    throw new OcicatError(
      'denied',
      "open datastore: only root may use this machine's private etcd; ETCD_ENDPOINTS or a configuration file names another",
    );
  if (signal?.aborted) throw new OcicatError('aborted', 'open datastore: aborted', { cause: signal.reason });
  const tls = readTls(config);
  const { credentials } = config;
  const login = credentials === undefined ? {} : { credentials };
  return openEtcd({ endpoints: endpointsOf(config), tls, ...login, ...times });
}
