// rkt's metadata service as pods find it: real pods on real networks, asking with real HTTP.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ask,
  type MetadataHost,
  type MetadataPod,
  openMetadataHost,
  SOCKET,
  tell,
} from '../support/host/metadata-host.ts';
import type { Running } from '../support/host/world.ts';

setDefaultTimeout(60_000);

let host: MetadataHost;
let service: Running;
const pods = new Map<string, MetadataPod>();

/** Pods by name, with their networks, and where these show them their host. */
const asked: Readonly<Record<string, readonly [net: string, gateway: string]>> = {
  open: ['default', '172.16.28.1'],
  restricted: ['default-restricted', '172.16.28.99'],
  both: ['default,default-restricted', '172.16.28.99'],
  red: ['red', '172.16.28.99'],
  all: ['all', '172.16.28.99'],
  host: ['host', '127.0.0.1'],
};
const names = Object.keys(asked);

function podOf(name: string): MetadataPod {
  const pod = pods.get(name);
  if (pod === undefined) throw new Error(`no pod "${name}"`);
  return pod;
}

const annotated = ['--set-env=SHARED=yes'];

beforeAll(async () => {
  host = await openMetadataHost();
  const ipam = { type: 'host-local', subnet: '10.99.0.0/24' };
  const red = { name: 'red', cniVersion: '0.4.0', type: 'bridge', bridge: 'br-red', ipam };
  writeFileSync(join(host.world.netDir, '10-red.conf'), JSON.stringify(red));
  expect((await host.world.rkt('run', '--mds-register', 'docker://busybox', '--exec=true')).status).toBe(254);
  service = await host.startService();
  for (const name of names) {
    pods.set(name, await host.startPod(name, asked[name]?.[0] ?? '', '--mds-register', ...annotated));
  }
});
afterAll(() => host.close());

test.each(names)(
  'a pod on %s finds the service at the address of its host there, and is told who it is',
  async (name) => {
    const pod = podOf(name);
    expect(pod.url).toMatch(new RegExp(`^http://${asked[name]?.[1].replaceAll('.', '\\.')}:18112/[0-9a-f]{32}$`));
    expect(await ask(pod, 'pod/uuid')).toEqual({ status: 200, body: pod.uuid });
  },
);

test('an app asks with its own programs, from inside the pod', async () => {
  const script = 'wget -q -O - "$AC_METADATA_URL/acMetadata/v1/apps/$AC_APP_NAME/annotations/example.com/key"; echo';
  const args = ['--net=default-restricted', '--mds-register', 'docker://busybox', '--exec=sh'];
  const options = ['--annotation=example.com/key=from the command line', '--', '-c', script];
  const result = await host.world.rkt('run', ...args, ...options);
  expect([result.status, result.stdout]).toEqual([0, expect.stringContaining(': from the command line\n')]);
});

test('a pod reads its manifest, its annotations, and its images’', async () => {
  const pod = podOf('restricted');
  const manifest = await ask(pod, 'pod/manifest');
  expect(manifest.body).toBe(readFileSync(join(host.world.dataDir, 'pods/run', pod.uuid, 'pod'), 'utf8'));
  const { apps, annotations } = JSON.parse(manifest.body);
  expect(JSON.parse((await ask(pod, 'pod/annotations')).body)).toEqual(annotations);
  expect(await ask(pod, 'pod/annotations/coreos.com/rkt/stage1/mutable')).toEqual({ status: 200, body: 'false' });
  expect((await ask(pod, 'apps/busybox/image/id')).body).toBe(apps[0].image.id);
  const image = JSON.parse((await ask(pod, 'apps/busybox/image/manifest')).body);
  expect(image).toMatchObject({ acKind: 'ImageManifest', name: 'registry-1.docker.io/library/busybox' });
  expect(image.app).toMatchObject({ exec: ['sh'], user: '0', group: '0', workingDirectory: '/' });
  expect((await ask(pod, 'apps/busybox/annotations/appc.io/docker/tag')).body).toBe('latest');
});

test('one pod signs, another verifies, and what was changed on the way is refused', async () => {
  const [signer, reader] = [podOf('open'), podOf('restricted')];
  const signed = await ask(signer, 'pod/hmac/sign', '--data', 'content=I+am+me');
  expect([signed.status, Buffer.from(signed.body, 'base64').length]).toEqual([200, 64]);
  const fields = (uuid: string, content: string, signature: string) =>
    Object.entries({ uuid, content, signature }).flatMap(([name, value]) => ['--data-urlencode', `${name}=${value}`]);
  const verify = async (...args: Parameters<typeof fields>) =>
    (await ask(reader, 'pod/hmac/verify', ...fields(...args))).status;
  expect(await verify(signer.uuid, 'I am me', signed.body)).toBe(200);
  expect(await verify(reader.uuid, 'I am me', signed.body)).toBe(403);
  expect(await verify(signer.uuid, 'I am you', signed.body)).toBe(403);
  expect(await verify(signer.uuid, 'I am me', Buffer.alloc(64).toString('base64'))).toBe(403);
  expect(await verify('nobody', 'I am me', signed.body)).toBe(400);
  expect(await verify(signer.uuid, 'I am me', 'not base64')).toBe(400);
});

const refusals: readonly (readonly [path: string, args: readonly string[], status: number])[] = [
  ['pod/nothing', [], 404],
  ['pod/annotations/nothing', [], 404],
  ['apps/nobody/annotations', [], 404],
  ['apps/busybox/annotations/nothing', [], 404],
  ['apps/busybox/nothing', [], 404],
  ['apps/__proto__/image/id', [], 404],
  ['', [], 404],
  ['pod/uuid', ['--request', 'DELETE'], 405],
  ['pod/uuid', ['--data', 'x'], 405],
  ['pod/hmac/sign', [], 405],
  ['pod/hmac/sign', ['--data', ''], 400],
  ['pod/hmac/sign', ['--data', 'content='], 400],
  ['pod/hmac/sign', ['--form', 'content=x'], 400],
  ['pod/hmac/verify', ['--data', 'content=x'], 400],
];
test.each(refusals)('%s with %j is refused with %d', async (path, args, status) => {
  expect((await ask(podOf('restricted'), path, ...args)).status).toBe(status);
});

test('a prepared pod is registered when it is run', async () => {
  const script = 'wget -q -O - "$AC_METADATA_URL/acMetadata/v1/pod/uuid"; echo';
  const prepared = await host.world.rkt('prepare', '--quiet', 'docker://busybox', '--exec=sh', '--', '-c', script);
  const uuid = prepared.stdout.trim();
  const result = await host.world.rkt('run-prepared', '--mds-register', '--net=default-restricted', uuid);
  expect([result.status, result.stdout]).toEqual([0, expect.stringContaining(`: ${uuid}\n`)]);
});

test('a pod that was not registered has no URL', async () => {
  const args = ['--net=default-restricted', 'docker://busybox', '--exec=sh', '--', '-c', 'echo "[$AC_METADATA_URL]"'];
  expect((await host.world.rkt('run', ...args)).stdout).toContain(': []\n');
});

const registrations = async (): Promise<readonly string[]> => {
  const listed = await host.world.run('ls', '/run/rkt/metadata-svc');
  return listed.stdout.split('\n').filter(Boolean).sort();
};

test('pods that have ended are forgotten: by themselves, by stop, by a kill of rkt', async () => {
  const running = names.map((name) => `${podOf(name).uuid}.json`).sort();
  expect(await registrations()).toEqual(running);
  const [stopped, killed] = [
    await host.startPod('stopped', 'default-restricted', '--mds-register'),
    await host.startPod('killed', 'default-restricted', '--mds-register'),
  ];
  expect((await registrations()).length).toBe(running.length + 2);
  expect((await host.world.rkt('stop', stopped.uuid)).status).toBe(0);
  await stopped.running.ended;
  expect(await registrations()).toEqual([...running, `${killed.uuid}.json`].sort());
  expect((await host.world.rkt('stop', '--force', killed.uuid)).status).toBe(0);
  await killed.running.ended;
  expect((await ask(killed, 'pod/uuid')).status).toBe(401);
  expect(await registrations()).toEqual(running);
});

test('gc and rm take a registration back that nobody else has', async () => {
  const pod = await host.startPod('collected', 'default-restricted', '--mds-register');
  expect((await host.world.rkt('stop', '--force', pod.uuid)).status).toBe(0);
  await pod.running.ended;
  expect(await registrations()).toContain(`${pod.uuid}.json`);
  expect((await host.world.rkt('rm', pod.uuid)).status).toBe(0);
  expect(await registrations()).not.toContain(`${pod.uuid}.json`);
});

test('a service that was killed knows its pods when it is back, and what they have signed', async () => {
  const pod = podOf('restricted');
  const before = await ask(pod, 'pod/hmac/sign', '--data', 'content=x');
  const ended = await host.startPod('ended', 'default-restricted', '--mds-register');
  service.kill('SIGKILL');
  await service.ended;
  expect((await host.world.rkt('stop', ended.uuid)).status).toBe(0);
  expect((await ended.running.ended).stderr).toBe('');
  service = await host.startService();
  for (const name of names) expect((await ask(podOf(name), 'pod/uuid')).body).toBe(podOf(name).uuid);
  expect(await ask(pod, 'pod/hmac/sign', '--data', 'content=x')).toEqual(before);
  expect(await registrations()).not.toContain(`${ended.uuid}.json`);
});

test('there is one service on a host, and the second says so', async () => {
  const second = await host.world.rkt('metadata-service');
  expect([second.status, second.stderr]).toEqual([
    254,
    expect.stringContaining('metadata-service: a metadata service is running on this host already\n'),
  ]);
  expect((await ask(podOf('open'), 'pod/uuid')).status).toBe(200);
});

test('the key, the socket and the registrations are root’s alone', async () => {
  const modes = await host.world.run(
    'sh',
    '-c',
    `stat -c '%a %u' ${SOCKET} /run/rkt/metadata-svc /run/rkt/metadata-svc/*`,
  );
  expect(new Set(modes.stdout.trim().split('\n'))).toEqual(new Set(['600 0', '700 0']));
  const keyDir = join(host.world.dataDir, 'metadata-service');
  expect(readdirSync(keyDir)).toEqual(['hmac.key']);
  expect(statSync(join(keyDir, 'hmac.key')).mode & 0o777).toBe(0o600);
});

test('rkt’s own calls: a pod is put, its apps are put, it is deleted', async () => {
  const uuid = 'ffffffff-ffff-4fff-8fff-ffffffffffff';
  const token = '0123456789abcdef'.repeat(2);
  const at = `http://service/pods/${uuid}`;
  const put = (url: string, body: string) => tell(host, '--request', 'PUT', '--data', body, url);
  const manifest = '{"apps":[{"name":"web","image":{"id":"sha512-1"}}]}';
  expect((await put(`${at}/web`, '{}')).status).toBe(404);
  expect((await put(`${at}?token=short`, manifest)).status).toBe(400);
  expect((await put(`${at}?token=${token}`, '{"apps":1}')).status).toBe(400);
  expect((await put('http://service/pods/nobody', manifest)).status).toBe(400);
  expect((await put(`${at}?token=${token}`, manifest)).status).toBe(200);
  expect((await put(`${at}/web`, '{"annotations":[{"name":"k","value":"v"}]}')).status).toBe(200);
  const pod = { ...podOf('host'), url: `http://127.0.0.1:18112/${token}` };
  expect((await ask(pod, 'apps/web/annotations/k')).body).toBe('v');
  expect((await tell(host, '--request', 'DELETE', at)).status).toBe(200);
  expect((await tell(host, '--request', 'DELETE', at)).status).toBe(404);
  expect((await ask(pod, 'pod/uuid')).status).toBe(401);
});

test('what cannot be registered is said before anything is made', async () => {
  const refused = async (...args: readonly string[]) => {
    const before = readdirSync(join(host.world.dataDir, 'pods/run')).length;
    const result = await host.world.rkt('run', '--mds-register', ...args, 'docker://busybox', '--exec=true');
    expect(readdirSync(join(host.world.dataDir, 'pods/run')).length - before).toBeLessThanOrEqual(
      args.includes('--net=none') ? 0 : 1,
    );
    return [result.status, result.stderr];
  };
  expect(await refused('--net=none')).toEqual([
    254,
    "run: --mds-register flag does not work with --net=none. Please use 'host', 'default' or an equivalent network\n",
  ]);
  expect(await refused('--stage1-name=coreos.com/rkt/stage1-fly')).toEqual([
    254,
    'stage1: flavour fly: has no metadata service, --mds-register cannot be set\n',
  ]);
});

test('without a service a pod that asks for it does not start, and one that does not ask does', async () => {
  service.kill('SIGTERM');
  expect((await service.ended).status).toBe(0);
  const before = readdirSync(join(host.world.dataDir, 'pods/run')).length;
  const args = ['docker://busybox', '--exec=true'];
  const result = await host.world.rkt('run', '--mds-register', ...args);
  expect([result.status, result.stderr]).toEqual([
    254,
    expect.stringMatching(/^run: could not reach the metadata service\. .*rkt metadata-service.*\n$/),
  ]);
  expect(readdirSync(join(host.world.dataDir, 'pods/run')).length).toBe(before);
  const prepared = (await host.world.rkt('prepare', '--quiet', ...args)).stdout.trim();
  expect((await host.world.rkt('run-prepared', '--mds-register', prepared)).status).toBe(254);
  expect((await host.world.rkt('status', prepared)).stdout).toContain('state=prepared');
  expect((await host.world.rkt('run-prepared', prepared)).status).toBe(0);
});

test('started by systemd’s socket at the first registration, without any capability, it leaves the socket to systemd', async () => {
  const confined = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'];
  const activate = [...confined, 'systemd-socket-activate', `--listen=${SOCKET}`];
  const activated = host.world.launch(...activate, ...host.world.command('metadata-service'));
  for (let attempt = 0; attempt < 200 && (await host.world.run('test', '-S', SOCKET)).status !== 0; attempt++) {
    await Bun.sleep(25);
  }
  const pod = await host.startPod('activated', 'default-restricted', '--mds-register');
  expect((await ask(pod, 'pod/uuid')).body).toBe(pod.uuid);
  expect((await ask(podOf('open'), 'pod/uuid')).status).toBe(200);
  activated.kill('SIGTERM');
  expect((await activated.ended).status).toBe(0);
  expect((await host.world.run('test', '-S', SOCKET)).status).toBe(0);
});
