// What the documents take for granted around the hosts: a network segment, an etcd cluster that asks for certificates, and a
// registry. All of it goes with the first process of the segment.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRunInside, runInside, startInside } from '../../src/lab/enter.ts';
import { computeLabPlan, registryUrl, servicesAddresses } from '../../src/lab/plan.ts';
import { LAB_FILES } from '../../src/lab/plan-file.ts';
import { startSegments } from '../../src/lab/segment.ts';
import { startRegistry } from '../../src/lab/services.ts';
import type { ProcessIdentity } from '../../src/sys/processes.ts';
import type { DebianHost } from './debian-host.ts';

const PLAN = computeLabPlan('install', { nodes: 1, segments: 1, families: ['ipv4'] });
const ETCD_ADDRESSES = ['10.0.0.10', '10.0.0.11', '10.0.0.12'];

export interface Site {
  /** Gives a host `eth0` with this address, and a way to the registry. */
  connect(init: ProcessIdentity, address: string): Promise<void>;
  /** The files of the administrator that the documents name: certificates, the registry's place, two networks. */
  furnish(host: DebianHost): Promise<void>;
  close(): void;
}

function openssl(folder: string, ...args: readonly string[]): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const { exitCode, stderr } = Bun.spawnSync(['openssl', 'req', '-x509', ...key, ...args], { cwd: folder });
  if (exitCode !== 0) throw new Error(`openssl: ${stderr}`);
}

/** By the names that the documents give to the client's files. */
function makeCertificates(): Readonly<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'ocitest-install-'));
  try {
    openssl(folder, '-keyout', 'ca-key.pem', '-out', 'ca.pem', '-subj', '/CN=ca');
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-addext'];
    const names = `subjectAltName=${ETCD_ADDRESSES.map((address) => `IP:${address}`).join(',')}`;
    openssl(folder, ...signed, names, '-keyout', 'server-key.pem', '-out', 'server.pem', '-subj', '/CN=etcd');
    openssl(
      folder,
      ...signed,
      'subjectAltName=DNS:client',
      '-keyout',
      'client-key.pem',
      '-out',
      'client.pem',
      '-subj',
      '/CN=root',
    );
    const files = ['ca.pem', 'server.pem', 'server-key.pem', 'client.pem', 'client-key.pem'];
    return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function etcdCommand(address: string): readonly string[] {
  const peer = (one: string) => `http://${one}:2380`;
  const client = `https://${address}:2379`;
  return [
    ...['etcd', '--name', address, '--data-dir', `${LAB_FILES}/etcd/${address}`, '--log-level', 'error'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer(address), '--initial-advertise-peer-urls', peer(address)],
    ...['--initial-cluster', ETCD_ADDRESSES.map((one) => `${one}=${peer(one)}`).join(',')],
    ...['--client-cert-auth', '--trusted-ca-file', `${LAB_FILES}/ca.pem`],
    ...['--cert-file', `${LAB_FILES}/server.pem`, '--key-file', `${LAB_FILES}/server-key.pem`],
  ];
}

async function startEtcd(init: ProcessIdentity, certificates: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, pem] of Object.entries(certificates))
    await mustRunInside(init, ['sh', '-c', `cat >${LAB_FILES}/${name}`], pem);
  for (const address of ETCD_ADDRESSES)
    await startInside(init, etcdCommand(address), `${LAB_FILES}/etcd-${address}.log`);
  const files = ['--cacert', 'ca.pem', '--cert', 'client.pem', '--key', 'client-key.pem'];
  const ask = files.map((word) => (word.endsWith('.pem') ? `${LAB_FILES}/${word}` : word)).join(' ');
  const health = `ETCDCTL_API=3 etcdctl ${ask} --endpoints ${ETCD_ADDRESSES.map((one) => `https://${one}:2379`).join()} endpoint health`;
  for (let tries = 0; tries < 100; tries++) {
    if ((await runInside(init, ['sh', '-c', health])).status === 0) return;
    await Bun.sleep(100);
  }
  throw new Error(`etcd: ${(await runInside(init, ['sh', '-c', `tail -n 3 ${LAB_FILES}/etcd-*.log`])).stdout}`);
}

function network(name: string): string {
  return `{ "name": "${name}", "cniVersion": "0.1.0", "type": "calico", "ipam": { "type": "calico-ipam" } }`;
}

const MIRRORS = JSON.stringify({
  rktKind: 'registryMirror',
  rktVersion: 'v1',
  registries: ['registry-1.docker.io', 'registry.example.com'],
  mirrors: [registryUrl(PLAN)],
});

function administratorsFiles(certificates: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const client = ['ca.pem', 'client.pem', 'client-key.pem'];
  return {
    ...Object.fromEntries(client.map((name) => [`/etc/calico/${name}`, certificates[name] ?? ''])),
    '/etc/rkt/mirrors.d/site.json': MIRRORS,
    '/etc/rkt/net.d/10-calico-network1.conf': network('network1'),
    '/etc/rkt/net.d/10-calico-network2.conf': network('network2'),
  };
}

async function connect(segment: ProcessIdentity, init: ProcessIdentity, address: string): Promise<void> {
  const port = `port-${address.split('.').at(-1)}`;
  const nsenter = (pid: number, ...command: readonly string[]) => {
    const { exitCode, stderr } = Bun.spawnSync(['nsenter', `--target=${pid}`, '--net', '--', ...command]);
    if (exitCode !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
  };
  nsenter(
    segment.pid,
    'ip',
    'link',
    'add',
    port,
    'master',
    'underlay',
    'up',
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    String(init.pid),
  );
  nsenter(init.pid, 'ip', 'addr', 'add', `${address}/24`, 'dev', 'eth0');
  nsenter(init.pid, 'ip', 'link', 'set', 'eth0', 'up');
  nsenter(init.pid, 'ip', 'route', 'add', servicesAddresses(PLAN)[0] ?? '', 'dev', 'eth0');
}

export async function openSite(): Promise<Site> {
  const certificates = makeCertificates();
  const segment = await startSegments(PLAN);
  try {
    for (const address of ETCD_ADDRESSES)
      await mustRunInside(segment, ['ip', 'addr', 'add', `${address}/24`, 'dev', 'underlay']);
    await Promise.all([startEtcd(segment, certificates), startRegistry(segment, PLAN)]);
  } catch (error) {
    process.kill(segment.pid, 'SIGKILL');
    throw error;
  }
  return {
    connect: (init, address) => connect(segment, init, address),
    async furnish(host) {
      for (const [path, text] of Object.entries(administratorsFiles(certificates)))
        await host.must(`mkdir -p $(dirname ${path}) && cat >${path} <<'END'\n${text}\nEND`);
    },
    close: () => process.kill(segment.pid, 'SIGKILL'),
  };
}
