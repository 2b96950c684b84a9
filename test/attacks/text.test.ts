// Names, labels, values and messages from a store, a registry or a disk never act on the terminal or forge a line of a log.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatFramed } from '../../src/cli/framed-table.ts';
import { describeBgp } from '../../src/ctl/node/status.ts';
import { storedKinds } from '../../src/datastore/keys.ts';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.ts';
import { expectHarmless, expectNoControls, HOSTILE, hostileStore } from './text.ts';

const root = join(import.meta.dir, '../..');
const calicoctl = join(root, 'dist/bin/calicoctl');
const folder = mkdtempSync(join(tmpdir(), 'ocitest-text-'));
let etcd: EtcdServer;

beforeAll(async () => {
  etcd = await startEtcd();
  for (const [key, value] of hostileStore()) await etcd.ctl('put', '--', key, value);
}, 60_000);

afterAll(async () => {
  await etcd.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Output {
  readonly status: number;
  readonly text: string;
}

async function run(command: readonly string[], input = ''): Promise<Output> {
  const child = Bun.spawn([...command], {
    env: { PATH: process.env.PATH, ETCD_ENDPOINTS: etcd.endpoint, EDITOR: 'true' },
    stdin: Buffer.from(input),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 20_000,
  });
  const [out, err, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, text: `${out}${err}` };
}

/** On a terminal of its own, which ends lines with a carriage return and a line feed. */
async function runOnTerminal(command: readonly string[]): Promise<string> {
  const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const { text } = await run(['script', '-qec', quoted, '/dev/null']);
  return text.replaceAll('\r\n', '\n');
}

const FORMATS = ['ps', 'wide', 'yaml', 'json', 'name'];
const TEMPLATES = [
  'jsonpath={..name} {..labels} {..annotations} {.items[*].spec}',
  'go-template={{range .}}{{range .Items}}{{.ObjectMeta.Name}} {{.metadata.labels}} {{.spec}}{{end}}{{end}}',
];

test.each([...storedKinds])(
  'get $name shows no control character in any format',
  async ({ name: kind, namespaced }) => {
    const all = namespaced ? ['-A'] : [];
    for (const format of FORMATS) {
      const words = ['get', kind, ...all, '-o', format];
      const { text } = await run([calicoctl, ...words]);
      expectHarmless(words.join(' '), text);
    }
    for (const template of TEMPLATES)
      expectNoControls(template, await runOnTerminal([calicoctl, 'get', kind, ...all, '-o', template]));
  },
);

const MANIFEST = JSON.stringify({
  kind: 'GlobalNetworkPolicy',
  apiVersion: 'projectcalico.org/v3',
  metadata: { name: HOSTILE, labels: { [HOSTILE]: HOSTILE } },
  spec: { selector: HOSTILE, order: HOSTILE, [HOSTILE]: HOSTILE, ingress: [{ action: HOSTILE, protocol: HOSTILE }] },
});

const COMMANDS: readonly (readonly string[])[] = [
  ['get', 'profiles', HOSTILE],
  ['get', HOSTILE],
  ['get', 'profiles', '-o', `custom-columns=${HOSTILE}`],
  ['get', 'profiles', '-o', `go-template={{.${HOSTILE}}}`],
  ['get', 'profiles', '-o', `jsonpath={${HOSTILE}[}`],
  ['get', 'globalnetworkpolicies', '-o', 'custom-columns=NAME,SELECTOR,ORDER,TIER'],
  ['describe', 'profiles'],
  ['explain', HOSTILE],
  ['explain', `profile.${HOSTILE}`],
  ['ipam', 'show'],
  ['ipam', 'show', '--show-blocks'],
  ['ipam', 'show', '--show-borrowed'],
  ['ipam', 'show', '--show-configuration'],
  ['ipam', 'show', '--ip=10.1.0.0'],
  ['ipam', 'show', `--ip=${HOSTILE}`],
  ['ipam', 'check', '--show-all-ips', '--show-problem-ips'],
  ['ipam', 'configure', `--strictaffinity=${HOSTILE}`],
  ['ipam', 'release', '--ip=10.1.0.3', '--dry-run'],
  ['ipam', 'split', HOSTILE, '--cidr=10.1.0.0/24'],
  ['version', '--poll=1ms'],
  ['validate', '-f', '-'],
  ['apply', '-f', '-'],
  ['create', '-f', '-'],
  ['replace', '-f', '-'],
  ['delete', '-f', '-'],
  ['diff', '-f', '-'],
  ['apply', '-f', HOSTILE],
  ['delete', 'profile', HOSTILE],
  ['delete', 'profile', `${HOSTILE}nowhere`],
  ['label', 'profile', HOSTILE, `a=${HOSTILE}`],
  ['label', 'nodes', 'full', `${HOSTILE}=b`],
  ['patch', 'profile', HOSTILE, '-p', `{"spec": {"${HOSTILE}": 1}}`],
  ['patch', 'globalnetworkpolicy', 'full', '-p', '{"spec": {"order": 1}}'],
  ['patch', 'profile', 'full', '--type=json', '-p', JSON.stringify([{ op: 'test', path: '/spec', value: HOSTILE }])],
  ['edit', 'profile', HOSTILE],
  ['wait', 'profile', HOSTILE, '--for=create', '--timeout=0'],
  ['wait', 'profile', 'full', '--for=jsonpath={.metadata.name}=b', '--timeout=0'],
  ['datastore', 'export'],
  ['datastore', 'migrate-policy-names', '--dry-run'],
  ['__complete', '--', 'get', 'profile', ''],
  ['completion', HOSTILE],
  ['cluster', 'diags', '--dry-run'],
  [HOSTILE],
  [`--${HOSTILE}`],
];

test.each(COMMANDS)('%j %j %j %j shows no control character', async (...words) => {
  for (const verbosity of [[], ['--log-level=debug']]) {
    const { text } = await run([calicoctl, ...words, ...verbosity], MANIFEST);
    const isCallersOwn = words.some((word) => word.includes(HOSTILE));
    (isCallersOwn ? expectNoControls : expectHarmless)(words.join(' '), text);
  }
});

test('a manifest in YAML with control characters is refused without showing them', async () => {
  for (const text of [`kind: ${HOSTILE}`, `a: "${HOSTILE}`, `*${HOSTILE}`, `{${HOSTILE}: [`, `!!${HOSTILE} a`]) {
    const { status, text: shown } = await run([calicoctl, 'validate', '-f', '-'], text);
    expectHarmless(text, shown);
    expect(status).toBe(1);
  }
});

test('get --watch shows none, neither what stands nor what comes', async () => {
  for (const format of FORMATS) {
    const { text } = await run(['timeout', '-s', 'INT', '1', calicoctl, 'get', 'profiles', '--watch', '-o', format]);
    expect(text).toContain('full');
    expectHarmless(`watch ${format}`, text);
  }
});

test('yaml and json of what is stored read back as what is stored', async () => {
  const { text } = await run([calicoctl, 'get', 'globalnetworkset', 'full', '-o', 'json']);
  const { text: yaml } = await run([calicoctl, 'get', 'globalnetworkset', 'full', '-o', 'yaml']);
  const [json] = text.split('\nwarning:');
  const labels = { [HOSTILE]: HOSTILE, a: HOSTILE };
  expect(JSON.parse(json ?? '').metadata.labels).toEqual(labels);
  const { parse } = await import('yaml');
  expect(parse(yaml.split('\nwarning:')[0] ?? '').metadata.labels).toEqual(labels);
});

test('a template prints to a program what it says, byte for byte', async () => {
  const { text } = await run([calicoctl, 'get', 'globalnetworkset', 'full', '-o', 'jsonpath={.metadata.labels.a}']);
  expect(text.split('\nwarning:')[0]).toBe(HOSTILE);
});

test('node status shows what a BIRD says without its control characters', async () => {
  const socket = join(folder, 'bird.ctl');
  const bird = createServer((connection) => {
    connection.write('0001 BIRD ready.\n');
    const name = HOSTILE.replaceAll(/\s/g, '_');
    connection.on('data', () =>
      connection.write(
        `1002-${name} BGP --- up 2026-01-01 ${HOSTILE.replaceAll(/[\r\n]/g, ' ')}\n1006-  Neighbor address: ${name}\n0000 \n`,
      ),
    );
  }).listen(socket);
  try {
    const text = await describeBgp([socket]);
    expectHarmless('node status', formatFramed(text.split('\n').map((line) => [line])));
  } finally {
    bird.close();
  }
});

function plantPod(dataDir: string, uuid: string, manifest: string): void {
  const path = join(dataDir, 'pods/run', uuid);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'pod'), manifest);
  const info = { netName: HOSTILE, netConf: 'net/a.conf', pluginPath: HOSTILE, ifName: HOSTILE, ip: HOSTILE };
  writeFileSync(join(path, 'net-info.json'), JSON.stringify([{ ...info, args: HOSTILE, mask: HOSTILE }]));
}

function hostilePodManifest(): string {
  const image = { name: HOSTILE, id: HOSTILE, labels: [{ name: 'version', value: HOSTILE }] };
  const environment = [{ name: HOSTILE, value: HOSTILE }];
  const app = { exec: [HOSTILE], user: HOSTILE, group: HOSTILE, workingDirectory: HOSTILE, environment };
  return JSON.stringify({ acVersion: '0.8.11', acKind: 'PodManifest', apps: [{ name: 'a', image, app }], volumes: [] });
}

test('rkt shows none of a pod that is on the disk', async () => {
  const dataDir = join(folder, 'rkt');
  plantPod(dataDir, '00000000-0000-4000-8000-000000000001', hostilePodManifest());
  plantPod(dataDir, '00000000-0000-4000-8000-000000000002', `{"acKind": "${HOSTILE}`);
  plantPod(dataDir, '00000000-0000-4000-8000-000000000003', JSON.stringify({ apps: [{ name: HOSTILE }] }));
  const rkt = [join(root, 'dist/bin/rkt'), `--dir=${dataDir}`];
  const pods = [1, 2, 3].map((number) => `00000000-0000-4000-8000-00000000000${number}`);
  const lines = [
    ['list'],
    ['list', '--full'],
    ['list', '--format=json'],
    ['list', '--format=json-pretty'],
    ...pods.flatMap((pod) => [
      ['status', pod],
      ['status', '--format=json', pod],
      ['cat-manifest', pod],
      ['cat-manifest', '--pretty-print=false', pod],
      ['stop', pod],
      ['enter', pod, 'sh'],
    ]),
    ['image', 'list'],
    ['status', HOSTILE],
    ['rm', HOSTILE],
    ['run', HOSTILE],
    ['fetch', `docker://${HOSTILE}`],
    ['image', 'rm', HOSTILE],
    ['gc', `--grace-period=${HOSTILE}`],
    [HOSTILE],
  ];
  for (const line of lines)
    for (const debug of [[], ['--debug']])
      expectHarmless(line.join(' '), (await run([...rkt, ...debug, ...line])).text);
});

test("a registry's messages are shown without control characters", async () => {
  const message = JSON.stringify({ errors: [{ code: HOSTILE, message: HOSTILE, detail: HOSTILE }] });
  const bodies = [message, HOSTILE, `{"schemaVersion": "${HOSTILE}"}`, JSON.stringify({ mediaType: HOSTILE })];
  for (const body of bodies) {
    for (const status of [200, 403, 404, 500]) {
      const registry = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response(body, { status }) });
      try {
        const image = `docker://127.0.0.1:${registry.port}/a/b`;
        const rkt = [join(root, 'dist/bin/rkt'), `--dir=${folder}/rkt`, '--insecure-options=http,image', '--debug'];
        const { text } = await run([...rkt, 'fetch', image]);
        expect(text).not.toBe('');
        expectHarmless(`${status} ${body}`, text);
      } finally {
        await registry.stop(true);
      }
    }
  }
});

test('calico-node and the lab show none of what they refuse', async () => {
  const node = join(root, 'dist/bin/calico-node');
  const settings = ['NODENAME', 'IP', 'AS', 'ETCD_ENDPOINTS', 'FELIX_LOGPREFIX', 'CALICO_IPV4POOL_CIDR'];
  for (const name of settings) expectHarmless(name, (await run(['env', `${name}=${HOSTILE}`, node, '--check'])).text);
  expectNoControls('calico-node', (await run([node, HOSTILE])).text);
  const ocicat = join(root, 'dist/bin/ocicat');
  for (const words of [['lab', HOSTILE], ['lab', 'up', '--name', HOSTILE], ['lab', 'down', HOSTILE], [HOSTILE]])
    expectNoControls(words.join(' '), (await run([ocicat, ...words])).text);
});

/** Where text may leave the program: the writers, which escape it, and what is an app's own. */
const WRITERS = ['ctl/cli/terminal.ts', 'rkt/cli/output.ts', 'rkt/run/console-sink.ts', 'sys/output.ts'];
const WRITES =
  /process\.std(out|err)\.write|console\.(log|error|warn|info)|Bun\.std(out|err)|[wW]rite(Sync|Whole|All)\((1|2|STDOUT|STDERR),/;

test('text leaves the program at its writers alone', () => {
  const sources = [...new Bun.Glob('**/*.ts').scanSync(join(root, 'src'))].filter((file) => !file.endsWith('.test.ts'));
  const found = sources.filter((file) => WRITES.test(readFileSync(join(root, 'src', file), 'utf8')));
  expect(found.sort()).toEqual(WRITERS.toSorted());
});
