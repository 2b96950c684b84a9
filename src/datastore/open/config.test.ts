import { describe, expect, test } from 'bun:test';
import { isOcicatError } from '../../base/errors.ts';
import { type ConfigSource, type DatastoreConfig, parseDatastoreConfig } from './config.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nsecret-pem\n-----END CERTIFICATE-----\n';

function env(environment: Record<string, string>): ConfigSource {
  return { kind: 'environment', environment };
}

function file(spec: unknown): ConfigSource {
  return { kind: 'document', document: { apiVersion: 'projectcalico.org/v3', kind: 'CalicoAPIConfig', spec } };
}

const nothing: DatastoreConfig = {
  servers: { kind: 'private' },
  credentials: undefined,
  ca: undefined,
  client: undefined,
};

const good: readonly (readonly [string, ConfigSource, DatastoreConfig])[] = [
  ['an empty environment is the private etcd', env({}), nothing],
  ['so are empty variables', env({ ETCD_ENDPOINTS: '', CALICO_ETCD_USERNAME: ' ' }), nothing],
  ['a file without a spec too', file(undefined), nothing],
  [
    'several endpoints',
    env({ ETCD_ENDPOINTS: ' https://a:2379, https://[fd00::1]:2379/ ', DATASTORE_TYPE: 'etcdv3' }),
    { ...nothing, servers: { kind: 'endpoints', endpoints: ['https://a:2379', 'https://[fd00::1]:2379'] } },
  ],
  [
    'CALICO_ names go first',
    env({ ETCD_ENDPOINTS: 'http://b:1', CALICO_ETCD_ENDPOINTS: 'http://a:1' }),
    { ...nothing, servers: { kind: 'endpoints', endpoints: ['http://a:1'] } },
  ],
  [
    'everything from the environment',
    env({
      ETCD_DISCOVERY_SRV: 'example.com',
      ETCD_USERNAME: 'u',
      ETCD_PASSWORD: 'p',
      ETCD_KEY_FILE: '/k',
      ETCD_CERT_FILE: '/c',
      ETCD_CA_CERT_FILE: '/ca',
    }),
    {
      servers: { kind: 'discovery', domain: 'example.com' },
      credentials: { username: 'u', password: 'p' },
      ca: { kind: 'file', path: '/ca' },
      client: { cert: { kind: 'file', path: '/c' }, key: { kind: 'file', path: '/k' } },
    },
  ],
  [
    'inline texts and keys of Kubernetes in a file',
    file({ datastoreType: 'etcdv3', etcdCert: PEM, etcdKey: PEM, etcdCACert: PEM, kubeconfig: '/k', k8sAPIToken: 't' }),
    {
      ...nothing,
      ca: { kind: 'inline', pem: PEM },
      client: { cert: { kind: 'inline', pem: PEM }, key: { kind: 'inline', pem: PEM } },
    },
  ],
];

const bad: readonly (readonly [string, ConfigSource, string])[] = [
  ['no object', { kind: 'document', document: 'x' }, 'document: found another value, wanted an object'],
  [
    'another kind of document',
    { kind: 'document', document: { apiVersion: 'v1', kind: 'Node', data: 1, spec: [] } },
    'apiVersion: found "v1", wanted "projectcalico.org/v3"; kind: found "Node", wanted "CalicoAPIConfig"; ' +
      'spec: found another value, wanted an object; data: found a field that is not known, wanted one of apiVersion, kind, metadata, spec',
  ],
  [
    'Kubernetes',
    env({ CALICO_DATASTORE_TYPE: 'kubernetes' }),
    'CALICO_DATASTORE_TYPE: found "kubernetes", wanted "etcdv3": there is no other datastore here',
  ],
  [
    'Kubernetes by its settings',
    file({ kubeconfig: '/k' }),
    'spec.kubeconfig: found a setting of the Kubernetes datastore, wanted datastoreType etcdv3',
  ],
  [
    'fields that do not exist or are no text',
    file({ etcdEndpoint: 'http://a', etcdUsername: 7 }),
    'spec.etcdUsername: found another value, wanted a text; ' +
      'spec.etcdEndpoint: found a field that is not known, wanted "etcdEndpoints"',
  ],
  [
    'addresses that are none',
    env({ ETCD_ENDPOINTS: 'a:2379,ftp://b,http://c/v3,http://me:hunter2@d:1' }),
    'ETCD_ENDPOINTS: found "a:2379", wanted http://HOST:PORT or https:; ' +
      'ETCD_ENDPOINTS: found "ftp://b", wanted http://HOST:PORT or https:; ' +
      'ETCD_ENDPOINTS: found "http://c/v3", wanted an address without a path; ' +
      'ETCD_ENDPOINTS: found "http://…@d:1", wanted an address without user and password',
  ],
  [
    'no address among the commas',
    env({ ETCD_ENDPOINTS: ',' }),
    'ETCD_ENDPOINTS: found "", wanted at least one address',
  ],
  [
    'endpoints and discovery',
    env({ ETCD_ENDPOINTS: 'http://a:1', ETCD_DISCOVERY_SRV: 'b/c' }),
    'ETCD_DISCOVERY_SRV: found "b/c", wanted either this or ETCD_ENDPOINTS, not both; ' +
      'ETCD_DISCOVERY_SRV: found "b/c", wanted a domain name',
  ],
  [
    'halves',
    file({ etcdUsername: 'me', etcdKey: PEM }),
    'spec.etcdUsername: found a user without a password, wanted both or neither; ' +
      'spec.etcdKey: found a key without its certificate, wanted both or neither',
  ],
  [
    'the other halves',
    env({ ETCD_PASSWORD: 'hunter2', ETCD_CERT_FILE: '/c' }),
    'ETCD_PASSWORD: found a password without a user, wanted both or neither; ' +
      'ETCD_CERT_FILE: found a certificate without its key, wanted both or neither',
  ],
  [
    'a file and a text, and a text that is none',
    file({ etcdCACertFile: '/ca', etcdCACert: 'hunter2' }),
    'spec.etcdCACert: found a text, wanted either this or spec.etcdCACertFile, not both',
  ],
  [
    'a text that is no PEM',
    file({ etcdCACert: 'hunter2' }),
    'spec.etcdCACert: found a text that is no PEM, wanted a PEM text',
  ],
];

describe('datastore configuration', () => {
  for (const [name, source, config] of good)
    test(name, () => {
      expect(parseDatastoreConfig(source)).toEqual(config);
    });

  for (const [name, source, message] of bad)
    test(`refuses ${name}`, () => {
      expect(() => parseDatastoreConfig(source)).toThrow(`read datastore configuration: ${message}`);
    });

  test('no secret comes back in an error', () => {
    const secrets = {
      etcdPassword: 'hunter2',
      etcdKey: PEM,
      etcdCert: PEM,
      etcdKeyFile: '/k',
      etcdEndpoints: 'x://u:hunter2@h',
    };
    try {
      parseDatastoreConfig(file(secrets));
      expect.unreachable();
    } catch (error) {
      expect(isOcicatError(error, 'invalid')).toBe(true);
      expect(JSON.stringify([String(error), isOcicatError(error) ? error.issues : []])).not.toMatch(
        /hunter2|secret-pem/,
      );
    }
  });
});
