// What node run would start, without starting it; test/agent/node-run.test.ts starts it.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openSession, type Session } from './session.ts';

const bin = dirname(process.execPath);
let session: Session;
let folder: string;

beforeAll(() => {
  session = openSession();
  folder = mkdtempSync(join(tmpdir(), 'node-run-'));
  mkdirSync(join(folder, 'logs'));
  writeFileSync(join(folder, 'felix.cfg'), 'VXLANPort = 4790\n');
  const spec = {
    datastoreType: 'etcdv3',
    etcdEndpoints: 'https://10.0.0.1:2379',
    etcdUsername: 'root',
    etcdPassword: 'do not show',
    etcdCACertFile: '/etc/calico/ca.pem',
    etcdCertFile: '/etc/calico/client.pem',
    etcdKeyFile: '/etc/calico/key.pem',
  };
  const document = { apiVersion: 'projectcalico.org/v3', kind: 'CalicoAPIConfig', metadata: {}, spec };
  writeFileSync(join(folder, 'calicoctl.cfg'), JSON.stringify(document));
  const inline = { ...document, spec: { etcdCACert: '-----BEGIN CERTIFICATE-----' } };
  writeFileSync(join(folder, 'inline.cfg'), JSON.stringify(inline));
});
afterAll(() => {
  session.close();
  rmSync(folder, { recursive: true });
});

test('the agent of this installation, with its settings', async () => {
  const flags = `--ip 10.0.0.1 --ip6 none --as 65001 --name host-1 --no-default-ippools --backend none`;
  const methods = '--ip-autodetection-method=interface=eth.* --ip6-autodetection-method first-found';
  const { out, status } = await session.run(`node run ${flags} ${methods} --dryrun`);
  expect([status, out]).toEqual([
    0,
    "IP=10.0.0.1 IP6=none AS=65001 NODENAME=host-1 IP_AUTODETECTION_METHOD='interface=eth.*' " +
      `IP6_AUTODETECTION_METHOD=first-found CALICO_NETWORKING_BACKEND=none NO_DEFAULT_POOLS=true ${bin}/calico-node\n`,
  ]);
});

test('the store and the settings of this host come from files; the password is not shown', async () => {
  const { out } = await session.run(`node run -c ${folder}/calicoctl.cfg --felix-config ${folder}/felix.cfg --dryrun`);
  expect(out).toBe(
    'ETCD_ENDPOINTS=https://10.0.0.1:2379 ETCD_USERNAME=root ETCD_PASSWORD=… ETCD_CA_CERT_FILE=/etc/calico/ca.pem ' +
      'ETCD_CERT_FILE=/etc/calico/client.pem ETCD_KEY_FILE=/etc/calico/key.pem ' +
      `CALICO_FELIX_CONFIG_FILE=${folder}/felix.cfg ${bin}/calico-node\n`,
  );
});

test('a pod of an image gets the same, with the files that it needs', async () => {
  const files = `-c ${folder}/calicoctl.cfg --felix-config ${folder}/felix.cfg --log-dir ${folder}/logs`;
  const { out } = await session.run(`node run --node-image example.com/node:v1 --ip autodetect ${files} --dryrun`);
  const shared = (name: string, source: string, target: string, readOnly: boolean) =>
    `--volume=${name},kind=host,source=${source},readOnly=${readOnly} --mount=volume=${name},target=${target}`;
  expect(out.trimEnd()).toBe(
    [
      `${bin}/rkt run --net=host --stage1-name=coreos.com/rkt/stage1-fly`,
      '--set-env=ETCD_ENDPOINTS=https://10.0.0.1:2379 --set-env=ETCD_USERNAME=root',
      '--set-env=ETCD_CA_CERT_FILE=/etc/calico/certs/ca_cert.crt --set-env=ETCD_CERT_FILE=/etc/calico/certs/cert.crt',
      '--set-env=ETCD_KEY_FILE=/etc/calico/certs/key.pem --set-env=IP=autodetect',
      '--set-env=CALICO_FELIX_CONFIG_FILE=/etc/calico/felix.cfg --set-env-file=/var/run/calico/node-run.env',
      shared('var-run-calico', '/var/run/calico', '/var/run/calico', false),
      shared('var-lib-calico', '/var/lib/calico', '/var/lib/calico', false),
      shared('var-log-calico', `${folder}/logs`, '/var/log/calico', false),
      shared('etc-calico-certs-ca-cert-crt', '/etc/calico/ca.pem', '/etc/calico/certs/ca_cert.crt', true),
      shared('etc-calico-certs-cert-crt', '/etc/calico/client.pem', '/etc/calico/certs/cert.crt', true),
      shared('etc-calico-certs-key-pem', '/etc/calico/key.pem', '/etc/calico/certs/key.pem', true),
      shared('etc-calico-felix-cfg', `${folder}/felix.cfg`, '/etc/calico/felix.cfg', true),
      'docker://example.com/node:v1',
    ].join(' '),
  );
});

test.each<[string, string]>([
  ['--backend canal', 'node run: --backend is "canal", wanted one of bird, vxlan, none'],
  ['--felix-config /none', 'node run: --felix-config is "/none": there is no such file'],
  ['-c /none', 'read datastore configuration "/none": there is no such file'],
  [
    '-c FOLDER/inline.cfg',
    'print datastore configuration: spec.etcdCACert: found a PEM text, wanted the name of a file: variables cannot hold it',
  ],
])('%s is refused', async (flags, words) => {
  const { status, err } = await session.run(`node run ${flags.replace('FOLDER', folder)} --dryrun`);
  expect([status, err]).toEqual([1, `${words}\n`]);
});
