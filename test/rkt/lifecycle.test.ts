import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openWorld, type World } from '../support/host/world.ts';

setDefaultTimeout(60_000);

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const sleeper = ['docker://busybox', '--exec=sh', '--', '-c', 'echo up; sleep 60'];

function podsIn(place: string): readonly string[] {
  const path = join(world.dataDir, 'pods', place);
  return existsSync(path) ? readdirSync(path) : [];
}

async function stateOf(uuid: string): Promise<string> {
  return /^state=(.*)$/m.exec((await world.rkt('status', uuid)).stdout)?.[1] ?? 'gone';
}

/** Waits for a state; a pod's processes take some milliseconds to go after its runner. */
async function until(uuid: string, state: string): Promise<void> {
  for (let attempt = 0; attempt < 100 && (await stateOf(uuid)) !== state; attempt++) await Bun.sleep(50);
  expect(await stateOf(uuid)).toBe(state);
}

/** A dead process may wait a while for the first process of the machine to take note. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\t[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const time = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,3})? [+-]\d{4} \S+/.source;

test('prepared, listed, its image removed, run, its status told, removed', async () => {
  const prepared = await world.rkt('prepare', 'docker://busybox', '--exec=sh', '--', '-c', 'exit 3');
  const uuid = prepared.stdout.trim();
  expect(prepared).toEqual({ status: 0, stdout: `${uuid}\n`, stderr: '' });
  expect((await world.rkt('list')).stdout).toBe(
    `UUID\t\tAPP\tIMAGE NAME\t\t\t\t\tSTATE\t\tCREATED\tSTARTED\tNETWORKS\n${uuid.slice(0, 8)}\tbusybox\tregistry-1.docker.io/library/busybox:latest\tprepared\tnow\t\t\n`,
  );
  expect((await world.rkt('status', uuid)).stdout).toMatch(new RegExp(`^state=prepared\ncreated=${time}\n$`));
  expect((await world.rkt('image', 'rm', 'busybox')).stderr).toBe('rm: 1 image(s) successfully removed\n');
  expect((await world.rkt('run-prepared', '--net=none', uuid.slice(0, 6))).status).toBe(3);
  expect((await world.rkt('status', uuid)).stdout).toMatch(
    new RegExp(`^state=exited\ncreated=${time}\nstarted=${time}\nnetworks=\npid=\\d+\nexited=true\napp-busybox=3\n$`),
  );
  const again = await world.rkt('run-prepared', uuid);
  expect([again.status, again.stderr]).toEqual([254, `run-prepared: pod "${uuid}" is not prepared\n`]);
  expect((await world.rkt('rm', uuid)).stdout).toBe(`"${uuid}"\n`);
  expect((await world.rkt('list', '--no-legend')).stdout).toBe('\n');
});

test('layers of a removed image go when its last pod has gone', async () => {
  const trees = () => readdirSync(join(world.dataDir, 'cas/tree')).length;
  const uuid = (await world.rkt('prepare', 'docker://busybox')).stdout.trim();
  await world.rkt('image', 'rm', 'busybox');
  expect(trees()).toBe(2);
  await world.rkt('rm', uuid);
  await world.rkt('gc');
  expect(trees()).toBe(1);
});

test('a running pod: list, status, enter, rm refused, stop', async () => {
  const pod = world.start('run', '--net=none', '--hostname=box', ...sleeper);
  await pod.printed('up');
  const [uuid = ''] = podsIn('run');
  expect((await world.rkt('list', '--no-legend')).stdout).toMatch(
    /^[0-9a-f]{8}\tbusybox\t\S+\trunning\t(now|1 second ago)\t+(now|1 second ago)\t\n$/,
  );
  const full = (await world.rkt('list', '--full', '--no-legend')).stdout.split(/\t+/);
  expect([full[0], full[3]?.length, full[4]]).toEqual([uuid, 19, 'running']);
  const json = JSON.parse((await world.rkt('status', '--format=json', uuid)).stdout);
  expect([json.name, json.state, json.apps[0].state, json.app_names]).toEqual([
    uuid,
    'running',
    'running',
    ['busybox'],
  ]);
  expect((await world.rkt('status', '--wait-ready', uuid)).status).toBe(0);
  const entered = await world.rkt(
    'enter',
    uuid,
    'sh',
    '-c',
    'hostname; echo $VAR_FROM_MANIFEST $AC_APP_NAME; cat /proc/1/comm; pwd; exit 7',
  );
  expect(entered).toEqual({ status: 7, stdout: 'box\nmanifest busybox\npause\n/\n', stderr: '' });
  const rm = await world.rkt('rm', uuid);
  expect([rm.status, rm.stderr]).toEqual([
    254,
    `rm: pod "${uuid}" is currently running\nrm: failed to remove one or more pods\n`,
  ]);
  const waiting = world.rkt('status', '--wait=10s', uuid);
  expect((await world.rkt('stop', uuid)).stdout).toBe(`"${uuid}"\n`);
  expect((await pod.ended).status).toBe(15);
  expect((await waiting).stdout).toStartWith('state=exited\n');
  expect((await world.rkt('stop', uuid)).stdout).toBe(`pod "${uuid}" is already stopped\n`);
});

test('stop --force ends everything at once', async () => {
  const pod = world.start(
    'run',
    '--net=none',
    'docker://busybox',
    '--exec=sh',
    '--',
    '-c',
    'trap "" TERM; echo up; while :; do sleep 1; done',
  );
  await pod.printed('up');
  const [uuid = ''] = podsIn('run');
  await world.rkt('stop', '--force', uuid);
  expect((await pod.ended).status).not.toBe(0);
  await until(uuid, 'exited');
  expect((await world.rkt('rm', uuid)).status).toBe(0);
});

test('a killed runner takes the pod with it; gc cleans up after it', async () => {
  const pod = world.start('run', ...sleeper);
  await pod.printed('up');
  const [uuid = ''] = podsIn('run');
  const app = Number(readFileSync(join(world.dataDir, 'pods/run', uuid, 'apps/busybox/pid'), 'utf8'));
  const runner = Number(readFileSync(join(world.dataDir, 'pods/run', uuid, 'ppid'), 'utf8'));
  process.kill(runner, 'SIGKILL');
  await until(uuid, 'exited');
  for (let attempt = 0; attempt < 100 && isAlive(app); attempt++) await Bun.sleep(10);
  expect(isAlive(app)).toBe(false);
  expect((await world.rkt('list', '--no-legend')).stdout).toContain('default:ip4=172.16.28.100');
  expect((await world.run('sh', '-c', `grep -c ${world.dataDir} /proc/self/mountinfo`)).stdout).toBe('0\n');
  const gc = await world.rkt('gc', '--grace-period=0s');
  expect(gc).toEqual({
    status: 0,
    stdout: `Garbage collecting pod "${uuid}"\n`,
    stderr: `gc: moving pod "${uuid}" to garbage\n`,
  });
  expect((await world.run('sh', '-c', 'ls /run/netns; find /var/lib/cni -name "172.*"')).stdout).toBe('');
});

/** Kills the runner after different times, so that the kill meets every step of a start. */
test('a runner killed at any moment leaves a pod that gc can remove, and no process', async () => {
  for (const afterMs of [20, 30, 35, 40, 45, 50, 55, 60, 70, 80, 90, 100, 120, 150]) {
    const pod = world.start('run', ...sleeper);
    await Bun.sleep(afterMs);
    const runners = (await world.run('pgrep', '-f', `^[^ ]*bun .*--dir=${world.dataDir}`)).stdout.trim().split('\n');
    for (const pid of runners.filter((each) => each !== '')) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // it has ended by itself
      }
    }
    await pod.ended;
  }
  await Bun.sleep(300);
  for (const place of ['prepare', 'run']) {
    for (const uuid of podsIn(place)) expect(['exited', 'aborted prepare']).toContain(await stateOf(uuid));
  }
  expect((await world.rkt('gc', '--grace-period=0s')).status).toBe(0);
  expect(['prepare', 'prepared', 'run', 'exited-garbage', 'garbage'].flatMap(podsIn)).toEqual([]);
  const left = await world.run(
    'sh',
    '-c',
    `ls /run/netns; find /var/lib/cni -name "172.*"; grep -c ${world.dataDir} /proc/self/mountinfo; pgrep -fc "sleep 6[0]"`,
  );
  expect(left.stdout).toMatch(/^0\n/);
});

test('gc marks first, then waits for the grace period; prepared pods expire', async () => {
  await world.rkt('run', '--net=none', 'docker://busybox', '--exec=true');
  const [uuid = ''] = podsIn('run');
  const marked = await world.rkt('gc', '--mark-only');
  expect([marked.stdout, marked.stderr]).toEqual(['', `gc: moving pod "${uuid}" to garbage\n`]);
  expect(await stateOf(uuid)).toBe('exited garbage');
  const kept = await world.rkt('gc');
  expect(kept.stderr).toBe(`gc: pod "${uuid}" not removed: still within grace period (30m0s)\n`);
  const prepared = (await world.rkt('prepare', 'docker://busybox')).stdout.trim();
  const all = await world.rkt('gc', '--grace-period=0s', '--expire-prepared=0s');
  expect(all.stderr).toBe(`gc: moving expired prepared pod "${prepared}" to garbage\n`);
  expect(podsIn('prepared')).toEqual([]);
});

test('an aborted prepare and an embryo are collected', async () => {
  const aborted = '11111111-1111-4111-8111-111111111111';
  mkdirSync(join(world.dataDir, 'pods/prepare', aborted), { recursive: true });
  expect((await world.rkt('list')).stdout).toContain('11111111\t-\t-\t\taborted prepare\ta long while ago\t');
  expect((await world.rkt('rm', '1')).stderr).toBe(`rm: moving failed prepare "${aborted}" to garbage\n`);
  expect(podsIn('prepare')).toEqual([]);
});

test('a damaged pod does not stop the list', async () => {
  const uuid = (await world.rkt('prepare', 'docker://busybox')).stdout.trim();
  writeFileSync(join(world.dataDir, 'pods/prepared', uuid, 'pod'), '{');
  const list = await world.rkt('list', '--no-legend');
  expect([list.status, list.stdout]).toEqual([0, `${uuid.slice(0, 8)}\t-\t--\tprepared\tnow\t\t\n`]);
  expect(list.stderr).toStartWith(
    'list: 1 error(s) encountered when listing pods:\n----------------------------------------\npod manifest ',
  );
});

test('cat-manifest prints what will run', async () => {
  const saved = join(world.directory, 'uuid');
  await world.rkt(
    'run',
    '--net=none',
    `--uuid-file-save=${saved}`,
    'docker://busybox',
    '--exec=true',
    '--memory=42Mi',
    '--user=7',
  );
  const manifest = JSON.parse((await world.rkt('cat-manifest', `--uuid-file=${saved}`)).stdout);
  const [app] = manifest.apps;
  expect([manifest.acKind, app.name, app.app.exec, app.app.user]).toEqual(['PodManifest', 'busybox', ['true'], '7']);
  expect(app.app.isolators).toEqual([{ name: 'resource/memory', value: { limit: '44040192' } }]);
  expect(
    (await world.rkt('cat-manifest', '--pretty-print=false', `--uuid-file=${saved}`)).stdout.split('\n').length,
  ).toBe(2);
});

test.each([
  [['status', 'x'], 'status: problem retrieving pod: no matches found for "x"\n'],
  [['cat-manifest', ''], 'cat-manifest: problem retrieving pod: UUID cannot be empty\n'],
  [['rm', 'X'], 'rm: cannot get pod: no matches found for "x"\nrm: failed to remove one or more pods\n'],
  [['stop', 'x'], 'stop: cannot get pod: no matches found for "x"\nstop: failed to stop 1 pod(s)\n'],
  [['run'], 'run: must provide at least one image\n'],
  [['run', '--nope', 'a'], 'run: error parsing app image arguments: unknown flag: --nope\n'],
  [['list', '--nope'], 'list: unknown flag: --nope\n'],
  [['list', '--format=x'], 'list: Invalid format option: x\n'],
  [['nope'], 'Error: unknown command "nope" for "rkt"\nRun \'rkt help\' for usage.\n'],
  [
    ['--insecure-options=x', 'list'],
    'list: invalid argument "x" for "--insecure-options" flag: "x" is not one of none, image, tls, ondisk, http, pubkey, capabilities, paths, seccomp, all-fetch, all-run, all\n',
  ],
  [['run', '--store-only', '--no-store', 'docker://busybox'], 'run: both --store-only and --no-store specified\n'],
  [
    ['run', '--interactive', 'docker://busybox', 'docker://busybox'],
    'run: interactive option only supports one image\n',
  ],
  [['run', 'docker://busybox', 'docker://busybox'], 'run: error: multiple apps with name busybox\n'],
  [['run', '--dns=x', 'docker://busybox'], 'run: error with dns flags: Invalid IP passed to --dns: x\n'],
  [
    ['run', '--stage1-name=example.com/stage1-kvm', 'docker://busybox'],
    'run: --stage1-name "example.com/stage1-kvm": unknown flavour, wanted a name ending in stage1-fly or stage1-coreos\n',
  ],
  [
    ['run', '--store-only', 'docker://other'],
    'Flag --store-only has been deprecated, please use --pull-policy=never\nrun: unable to fetch docker image from URL "docker://other": either image was not found in the store or store was disabled and fetching from remote yielded nothing or it was disabled\n',
  ],
  [['run', 'sha512-0123'], 'run: could not resolve image "sha512-0123": no image IDs found\n'],
])('rkt %j is refused with status 254', async (args, stderr) => {
  expect(await world.rkt(...args)).toEqual({ status: 254, stdout: '', stderr });
  expect(['prepare', 'run'].flatMap(podsIn)).toEqual([]);
});

test('without a command: help, and status 2', async () => {
  const bare = await world.run(...world.command().slice(0, 3));
  expect([
    bare.status,
    bare.stderr,
    bare.stdout.startsWith('NAME:\n\trkt - rkt, the application container runner\n'),
  ]).toEqual([2, 'rkt: missing command\n', true]);
});

test('the bash completion is valid and offers commands, options and pods', async () => {
  const script = (await world.rkt('completion', 'bash')).stdout;
  const uuid = (await world.rkt('prepare', 'docker://busybox')).stdout.trim();
  const lines = ['run --hostn', 'image l', 'list --format = json-', `enter --app = x ${uuid.slice(0, 6)}`];
  const probe = (line: string) =>
    `COMP_WORDS=(rkt ${line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _rkt; echo "\${COMPREPLY[@]}"`;
  const rkt = world.command().map((argument) => `'${argument}'`);
  const shell = `rkt() { ${rkt.join(' ')} "$@"; }; source /dev/stdin <<< "$1"; ${lines.map(probe).join('; ')}`;
  const result = await world.run('bash', '-c', shell, '-', script);
  expect([result.stdout, result.stderr.replace(/.*compopt.*\n/g, '')]).toEqual([
    `--hostname=\nlist\njson-pretty\n${uuid}\n`,
    '',
  ]);
});

test('who may not look into the data directory is told so, and does not see an empty one', async () => {
  expect((await world.rkt('prepare', 'docker://busybox', '--exec=true')).status).toBe(0);
  const unprivileged = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'sh', '-c'];
  const rkt = world.command('list').map((word) => `'${word}'`);
  const allowed = `chmod 755 '${world.directory}'`;
  expect((await world.run('sh', '-c', allowed)).status).toBe(0);
  const result = await world.run(...unprivileged, rkt.join(' '));
  expect([result.status, result.stdout, result.stderr]).toEqual([
    254,
    '',
    expect.stringMatching(/^list: read pods of "[^"]*\/data\/pods\/prepare": EACCES.*\n$/),
  ]);
});
