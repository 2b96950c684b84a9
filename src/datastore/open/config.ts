// Where the datastore is: Calico's configuration file or environment, checked whole (libcalico-go lib/apiconfig).
import { formatIssue, type Issue, OcicatError } from '../../base/errors.ts';
import { anything, text, textThat } from '../../schema/scalars.ts';
import { object, optional, type Scalar, type Schema, sparse } from '../../schema/schema.ts';
import { readSchema } from '../../schema/schema-read.ts';

/** A PEM text, or the file that holds it. */
export type PemSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'inline'; readonly pem: string };

export interface DatastoreConfig {
  readonly servers:
    | { readonly kind: 'endpoints'; readonly endpoints: readonly string[] }
    /** Looked up in DNS. */
    | { readonly kind: 'discovery'; readonly domain: string }
    /** Not configured: the etcd that this machine's agent runs, at PRIVATE_ETCD_ENDPOINT. */
    | { readonly kind: 'private' };
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  readonly ca: PemSource | undefined;
  /** The certificate that this client shows, with its key. */
  readonly client: { readonly cert: PemSource; readonly key: PemSource } | undefined;
}

/** Root's alone: who cannot enter this directory cannot reach the agent's own etcd. */
export const PRIVATE_ETCD_DIRECTORY = '/var/run/calico/etcd';
/** A Unix socket's name in that directory; etcd 3.4 takes names of the form `HOST:PORT` alone. */
export const PRIVATE_ETCD_SOCKET = 'client:0';
/** Where the agent's own etcd listens when nothing else is configured. */
export const PRIVATE_ETCD_ENDPOINT = `unix://${PRIVATE_ETCD_DIRECTORY}/${PRIVATE_ETCD_SOCKET}`;

/** What file and environment can say, before it is checked together. */
const SETTINGS = {
  datastoreType: 'DATASTORE_TYPE',
  etcdEndpoints: 'ETCD_ENDPOINTS',
  etcdDiscoverySrv: 'ETCD_DISCOVERY_SRV',
  etcdUsername: 'ETCD_USERNAME',
  etcdPassword: 'ETCD_PASSWORD',
  etcdKeyFile: 'ETCD_KEY_FILE',
  etcdCertFile: 'ETCD_CERT_FILE',
  etcdCACertFile: 'ETCD_CA_CERT_FILE',
} as const;
type Setting = keyof typeof SETTINGS;

/** PEM texts, in the file only. */
const INLINE = ['etcdKey', 'etcdCert', 'etcdCACert'] as const;
type Inline = (typeof INLINE)[number];

/** Of the Kubernetes datastore: files for both carry them; with `datastoreType: etcdv3` they say nothing. */
const KUBERNETES = [
  ...['kubeconfig', 'k8sAPIEndpoint', 'k8sKeyFile', 'k8sCertFile', 'k8sCAFile', 'k8sAPIToken', 'k8sCurrentContext'],
  ...['k8sInsecureSkipTLSVerify', 'k8sDisableNodePoll', 'k8sUsePodCIDR', 'kubeconfigInline', 'k8sServiceAccountToken'],
  ...['k8sClientQPS', 'calicoAPIGroup'],
];

/** One value with the name under which its user knows it. */
interface NamedValue {
  readonly name: string;
  readonly value: string;
}
type Values = Partial<Record<Setting | Inline, NamedValue>>;

const exactly = (value: string): Scalar<string> => textThat(`"${value}"`, (text) => text === value);
const secret = sparse(text({ secret: true }), '');
const ignored = optional(anything);
const fieldsOf = <F>(names: readonly string[], field: F) => Object.fromEntries(names.map((name) => [name, field]));

const calicoApiConfig: Schema<{ readonly spec?: Readonly<Record<string, unknown>> | undefined }> = object({
  apiVersion: exactly('projectcalico.org/v3'),
  kind: exactly('CalicoAPIConfig'),
  metadata: ignored,
  spec: optional(
    object({ ...fieldsOf([...Object.keys(SETTINGS), ...INLINE], secret), ...fieldsOf(KUBERNETES, ignored) }),
  ),
});

/** Of a file that is for the Kubernetes datastore, by what it sets, and does not say so. */
function checkKubernetes(spec: Readonly<Record<string, unknown>>, issues: Issue[]): void {
  if (spec.datastoreType !== undefined) return;
  for (const name of KUBERNETES)
    if ((spec[name] ?? '') !== '')
      issues.push({
        path: `spec.${name}`,
        found: 'a setting of the Kubernetes datastore',
        wanted: 'datastoreType etcdv3',
      });
}

/** What stands in the place of an object may be a password that lost its name. */
function withoutValue(issue: Issue): Issue {
  return issue.path === '' || issue.path === 'spec' ? { ...issue, found: 'another value' } : issue;
}

/** Of a document with issues nothing: the sense of its values is checked when their types are right. */
function readDocument(document: unknown, issues: Issue[]): Values {
  const result = readSchema(calicoApiConfig, document, 'closed');
  if (result.kind === 'invalid') {
    issues.push(...result.issues.map(withoutValue));
    return {};
  }
  const { spec = {} } = result.value;
  checkKubernetes(spec, issues);
  const values: Values = {};
  for (const name of [...(Object.keys(SETTINGS) as Setting[]), ...INLINE]) {
    const value = spec[name];
    if (typeof value === 'string') values[name] = { name: `spec.${name}`, value };
  }
  return values;
}

/** Whether a variable says something about the datastore. */
export function isDatastoreVariable(name: string): boolean {
  return Object.values<string>(SETTINGS).includes(name.replace(/^CALICO_/, ''));
}

/** `CALICO_<NAME>` goes before `<NAME>`. */
function readEnvironment(environment: Readonly<Record<string, string | undefined>>): Values {
  const values: Values = {};
  for (const [setting, variable] of Object.entries(SETTINGS) as [Setting, string][])
    for (const name of [`CALICO_${variable}`, variable]) {
      const value = environment[name]?.trim();
      if (value !== undefined && value !== '') values[setting] ??= { name, value };
    }
  return values;
}

/** Removes user and password, which some write into the URL; they must not come back in a message. */
function redactUrl(text: string): string {
  return text.replace(/\/\/[^/@]*@/, '//…@');
}

function checkEndpoint(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return 'http://HOST:PORT or https:';
  if (url.username !== '' || url.password !== '') return 'an address without user and password';
  return url.pathname !== '/' || url.search !== '' || url.hash !== '' ? 'an address without a path' : undefined;
}

function readEndpoints({ name, value }: NamedValue, issues: Issue[]): readonly string[] {
  const endpoints = value.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
  if (endpoints.length === 0) issues.push({ path: name, found: '""', wanted: 'at least one address' });
  for (const endpoint of endpoints) {
    const wanted = checkEndpoint(endpoint);
    if (wanted !== undefined) issues.push({ path: name, found: `"${redactUrl(endpoint)}"`, wanted });
  }
  return endpoints.map((endpoint) => endpoint.replace(/\/$/, ''));
}

function readServers(values: Values, issues: Issue[]): DatastoreConfig['servers'] {
  const { etcdEndpoints, etcdDiscoverySrv } = values;
  if (etcdEndpoints !== undefined && etcdDiscoverySrv !== undefined)
    issues.push({
      path: etcdDiscoverySrv.name,
      found: `"${etcdDiscoverySrv.value}"`,
      wanted: `either this or ${etcdEndpoints.name}, not both`,
    });
  if (etcdDiscoverySrv !== undefined && !/^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i.test(etcdDiscoverySrv.value))
    issues.push({ path: etcdDiscoverySrv.name, found: `"${etcdDiscoverySrv.value}"`, wanted: 'a domain name' });
  if (etcdEndpoints !== undefined) return { kind: 'endpoints', endpoints: readEndpoints(etcdEndpoints, issues) };
  if (etcdDiscoverySrv !== undefined) return { kind: 'discovery', domain: etcdDiscoverySrv.value };
  return { kind: 'private' };
}

function readCredentials({ etcdUsername, etcdPassword }: Values, issues: Issue[]): DatastoreConfig['credentials'] {
  if (etcdUsername !== undefined && etcdPassword !== undefined)
    return { username: etcdUsername.value, password: etcdPassword.value };
  if (etcdUsername !== undefined)
    issues.push({ path: etcdUsername.name, found: 'a user without a password', wanted: 'both or neither' });
  if (etcdPassword !== undefined)
    issues.push({ path: etcdPassword.name, found: 'a password without a user', wanted: 'both or neither' });
  return undefined;
}

function readPem(file: NamedValue | undefined, inline: NamedValue | undefined, issues: Issue[]): PemSource | undefined {
  if (file !== undefined && inline !== undefined)
    issues.push({ path: inline.name, found: 'a text', wanted: `either this or ${file.name}, not both` });
  if (file !== undefined) return { kind: 'file', path: file.value };
  if (inline === undefined) return undefined;
  if (!inline.value.includes('-----BEGIN '))
    issues.push({ path: inline.name, found: 'a text that is no PEM', wanted: 'a PEM text' });
  return { kind: 'inline', pem: inline.value };
}

function readClient(values: Values, issues: Issue[]): DatastoreConfig['client'] {
  const cert = readPem(values.etcdCertFile, values.etcdCert, issues);
  const key = readPem(values.etcdKeyFile, values.etcdKey, issues);
  if (cert !== undefined && key !== undefined) return { cert, key };
  const lone = values.etcdCertFile ?? values.etcdCert ?? values.etcdKeyFile ?? values.etcdKey;
  if (lone !== undefined)
    issues.push({
      path: lone.name,
      found: cert === undefined ? 'a key without its certificate' : 'a certificate without its key',
      wanted: 'both or neither',
    });
  return undefined;
}

function checkType({ datastoreType }: Values, issues: Issue[]): void {
  if (datastoreType === undefined || datastoreType.value === 'etcdv3') return;
  const wanted = '"etcdv3": there is no other datastore here';
  issues.push({ path: datastoreType.name, found: `"${datastoreType.value}"`, wanted });
}

/** What a configuration is made of. Like Calico's programs: a file that is there is all, and the environment not asked. */
export type ConfigSource =
  /** A CalicoAPIConfig document, parsed from YAML or JSON. */
  | { readonly kind: 'document'; readonly document: unknown }
  | { readonly kind: 'environment'; readonly environment: Readonly<Record<string, string | undefined>> };

/**
 * The configuration from one source. Without endpoints and discovery it is the private etcd of this machine's agent.
 * Throws `invalid` with every issue; no message holds a password or a key.
 */
export function parseDatastoreConfig(source: ConfigSource): DatastoreConfig {
  const issues: Issue[] = [];
  const values =
    source.kind === 'document' ? readDocument(source.document, issues) : readEnvironment(source.environment);
  checkType(values, issues);
  const config: DatastoreConfig = {
    servers: readServers(values, issues),
    credentials: readCredentials(values, issues),
    ca: readPem(values.etcdCACertFile, values.etcdCACert, issues),
    client: readClient(values, issues),
  };
  if (issues.length === 0) return config;
  const message = `read datastore configuration: ${issues.map(formatIssue).join('; ')}`;
  throw new OcicatError('invalid', message, { issues });
}

function pathOf(source: PemSource | undefined, setting: Inline): string | undefined {
  if (source?.kind !== 'inline') return source?.path;
  const issue = `spec.${setting}: found a PEM text, wanted the name of a file: variables cannot hold it`;
  throw new OcicatError('unsupported', `print datastore configuration: ${issue}`);
}

/** The variables that hold the configuration. Throws `unsupported` for PEM texts. */
export function printDatastoreEnvironment(config: DatastoreConfig): Readonly<Record<string, string>> {
  const { servers, credentials, ca, client } = config;
  const values: Partial<Record<Setting, string | undefined>> = {
    etcdEndpoints: servers.kind === 'endpoints' ? servers.endpoints.join(',') : undefined,
    etcdDiscoverySrv: servers.kind === 'discovery' ? servers.domain : undefined,
    etcdUsername: credentials?.username,
    etcdPassword: credentials?.password,
    etcdCACertFile: pathOf(ca, 'etcdCACert'),
    etcdCertFile: pathOf(client?.cert, 'etcdCert'),
    etcdKeyFile: pathOf(client?.key, 'etcdKey'),
  };
  const present = (Object.keys(values) as Setting[]).flatMap((setting) => {
    const value = values[setting];
    return value === undefined ? [] : [[SETTINGS[setting], value] as const];
  });
  return Object.fromEntries(present);
}
