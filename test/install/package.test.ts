// The Debian package on hosts that start as a bare Debian: installed into a root before it boots, and by hand on a host that runs;
// its units under systemd as process 1, at a boot, a crash, a restart, a reload and a stop; removed and purged.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { OWN_ARCHITECTURE } from '../../script/toolchain.ts';
import { type DebianHost, startDebian } from './debian-host.ts';
import { PACKAGED, readInstallPage } from './page.ts';
import { answers, endPods, eventually, expectNoneLost, startPod } from './pods.ts';
import { openSite, type Site } from './site.ts';
import { added, snapshot } from './snapshot.ts';

const project = join(import.meta.dir, '../..');
/** Where the package is that is installed. */
const FOLDER = '/root/new';
const SERVER = '192.168.0.0';
const page = readInstallPage();
let site: Site;
let lintian: ReturnType<typeof runLintian>;
/** Whose root had the package before it booted. */
let booted: DebianHost;
/** Which was bare when it booted. */
let running: DebianHost;
/** Of the second, with the administrator's files. */
let bare: readonly string[];

const commandsOf = (section: string) =>
  page
    .take(section, PACKAGED)
    .map(({ commands }) => commands)
    .join('\n');
const INSTALL = commandsOf('2. Install');
const PURGE = commandsOf('8. Uninstall');
const BRING = `mkdir -p ${FOLDER} && cp /root/ocicat/dist/package/ocicat_*_$(dpkg --print-architecture).deb ${FOLDER}`;

/** A unit with the name of a runtime's, which asks as a runtime does, and keeps the answer. */
const RUNTIME = `cat >/etc/systemd/system/docker.service <<'END'
[Service]
Type=oneshot
RemainAfterExit=yes
Environment=CNI_COMMAND=STATUS CNI_PATH=/opt/cni/bin
ExecStart=/bin/sh -c 'echo \\'{"cniVersion":"1.1.0","name":"x","type":"calico","ipam":{"type":"calico-ipam"}}\\' | /opt/cni/bin/calico >/run/answer; echo $$? >>/run/answer'
[Install]
WantedBy=multi-user.target
END
systemctl --quiet enable docker.service`;

/** Of this machine's architecture. It takes longer than a host takes to boot. */
async function runLintian(): Promise<{ readonly status: number; readonly errors: readonly string[] }> {
  const folder = join(project, 'dist/package');
  const files = readdirSync(folder).filter((name) => name.endsWith(`_${OWN_ARCHITECTURE}.deb`));
  const child = Bun.spawn(['lintian', '--fail-on', 'error', ...files], {
    cwd: folder,
    stdout: 'pipe',
    stderr: 'ignore',
  });
  const output = await new Response(child.stdout).text();
  return { status: await child.exited, errors: output.match(/^E: .*$/gm) ?? [] };
}

beforeAll(async () => {
  const { exitCode, stderr } = Bun.spawnSync([join(project, 'script/package')], { stdout: 'ignore' });
  if (exitCode !== 0) throw new Error(`script/package: ${stderr}`);
  lintian = runLintian();
  const root = page.provideRoot();
  site = await openSite();
  const prepare = `set -e; ${BRING}; cd ${FOLDER}; yes | (${INSTALL}); ${RUNTIME}`;
  [booted, running] = await Promise.all([
    startDebian('host-01', root, (init) => site.connect(init, '10.0.0.1'), prepare),
    startDebian('host-02', root, (init) => site.connect(init, '10.0.0.2')),
  ]);
  await Promise.all([site.furnish(booted), site.furnish(running)]);
  bare = await snapshot(running);
}, 600_000);
afterAll(async () => {
  try {
    await Promise.all([booted?.end(), running?.end()]);
  } finally {
    site?.close();
  }
}, 30_000);

/** A property of a unit. */
async function ask(host: DebianHost, unit: string, property: string): Promise<string> {
  return (await host.must(`systemctl show --value -p ${property} ${unit}`)).trim();
}

const mainProcess = async () => Number(await ask(booted, 'calico-node.service', 'MainPID'));
const birdProcess = () =>
  booted.must('for one in /proc/[0-9]*; do [ "$(cat $one/comm 2>/dev/null)" != bird ] || basename $one; done');

test('lintian finds no errors in it', async () => {
  expect(await lintian).toEqual({ status: 0, errors: [] });
}, 300_000);

test("its files are root's, nobody else writes to them, and no program has a right that its caller has not", async () => {
  const list = 'cat /var/lib/dpkg/info/ocicat.list';
  expect(
    await booted.must(
      `${list} | xargs -d '\\n' stat -c '%U:%G %A %n' | grep -Ev '^root:root (lrwxrwxrwx|[d-]rwxr-xr-x|-rw-r--r--) ' || true`,
    ),
  ).toBe('-rw------- /etc/calico/calico-node.env\n'.replace('-rw', 'root:root -rw'));
  expect(await booted.must('dpkg -V ocicat')).toBe('');
  expect(await booted.must(`${list} | grep -E '^/(opt|usr/local|home|root|var|run)(/|$)' || true`)).toBe('');
  expect(await booted.must('cd /opt/cni/bin && realpath calico calico-ipam')).toBe(
    '/usr/lib/ocicat/cni/calico\n/usr/lib/ocicat/cni/calico-ipam\n',
  );
}, 30_000);

test('a host whose root has it boots with an agent that answers before container runtimes start', async () => {
  expect(await booted.must('cat /run/answer')).toEndWith('0\n');
  const ready = Number(await ask(booted, 'calico-node.service', 'ActiveEnterTimestampMonotonic'));
  expect(ready).toBeLessThan(Number(await ask(booted, 'docker.service', 'ExecMainStartTimestampMonotonic')));
  const states =
    'for unit in calico-node.service rkt-gc.timer rkt-metadata.socket bird.service etcd.service; do echo $unit $(systemctl is-enabled $unit) $(systemctl is-active $unit); done';
  expect((await booted.must(states)).trim().split('\n')).toEqual([
    'calico-node.service enabled active',
    'rkt-gc.timer enabled active',
    'rkt-metadata.socket enabled active',
    'bird.service disabled inactive',
    'etcd.service disabled inactive',
  ]);
  expect(await booted.must('calicoctl node status')).toStartWith('Calico process is running.');
}, 30_000);

test('a crash, a restart, a reload and a stop of the agent cost no packet', async () => {
  await startPod(booted, 'server', `network1:IP=${SERVER}`, 'httpd -- -f -h /');
  await startPod(booted, 'allowed', 'network1', `ping -- -i 0.05 ${SERVER}`);
  await startPod(booted, 'denied', 'network2', `ping -- -i 0.05 ${SERVER}`);
  const [first, bird] = [await mainProcess(), await birdProcess()];
  expect(bird).toMatch(/^\d+\n$/);

  await booted.must(`kill -KILL ${first}`);
  await eventually(
    booted,
    'another agent',
    async () =>
      (await ask(booted, 'calico-node.service', 'ActiveState')) === 'active' &&
      ![0, first].includes(await mainProcess()),
  );
  const second = await mainProcess();
  await booted.must('systemctl restart calico-node.service');
  const third = await mainProcess();
  expect([0, first, second]).not.toContain(third);
  await booted.must('systemctl reload calico-node.service && calicoctl node status');
  expect(await mainProcess()).toBe(third);

  await booted.must('systemctl stop calico-node.service');
  expect(await ask(booted, 'calico-node.service', 'Result')).toBe('success');
  expect(await birdProcess()).toBe(bird);
  expect(await booted.must('nft list table inet ocicat')).toContain('chain');
  await expectNoneLost(booted, 'allowed', 20);
  expect(await answers(booted, 'denied')).toEqual([]);
  await booted.must('systemctl start calico-node.service');
  await expectNoneLost(booted, 'allowed', 20);
}, 90_000);

test("the agent has of root's rights those that its unit names", async () => {
  const status = await booted.must(`cat /proc/${await mainProcess()}/status`);
  expect(status).toContain('NoNewPrivs:\t1\n');
  expect(status).toContain('Seccomp:\t2\n');
  const capabilities = BigInt(`0x${/^CapBnd:\t(\w+)$/m.exec(status)?.[1]}`);
  const CAP = { setuid: 7, sys_module: 16, sys_time: 25, mknod: 27, bpf: 39 };
  for (const number of Object.values(CAP)) expect((capabilities >> BigInt(number)) & 1n).toBe(0n);
  await endPods(booted, 'server', 'allowed', 'denied');
}, 30_000);

test('a bare host that runs installs it as it is typed, with what it needs, and has an agent at once', async () => {
  await running.must(BRING);
  await running.must(INSTALL, FOLDER);
  expect(await running.must('calicoctl node status')).toStartWith('Calico process is running.');
  const daemons = await running.run(
    'systemctl is-active bird.service etcd.service; systemctl is-enabled bird.service etcd.service',
  );
  expect(daemons.output).toBe('inactive\ninactive\ndisabled\ndisabled\n');
  await startPod(running, 'server', `network1:IP=${SERVER}`, 'httpd -- -f -h /');
}, 120_000);

test('it is not removed below containers; removed, it leaves its data and nothing in the kernel, and goes on with them', async () => {
  const refused = await running.run('apt-get remove -y ocicat');
  expect([refused.status, refused.output]).toEqual([
    100,
    expect.stringContaining('containers run on this host: rkt pod '),
  ]);
  await endPods(running, 'server');
  await running.must('calicoctl patch felixconfiguration default -p \'{"spec":{"logSeverityScreen":"Warning"}}\'');
  await running.must('apt-get remove -y ocicat');
  expect(running.fromOutside('nft', 'list', 'tables')).toBe('');
  expect(await running.must('ls -d /opt /usr/lib/ocicat /run/calico 2>/dev/null || true')).toBe('/opt\n');
  await running.must(INSTALL, FOLDER);
  expect(await running.must('calicoctl get felixconfiguration default -o yaml')).toContain(
    'logSeverityScreen: Warning',
  );
}, 90_000);

test('"ocicat install" and "uninstall" leave the files of the package to dpkg', async () => {
  const refused = await running.run('/root/ocicat/dist/bin/ocicat install');
  expect([refused.status, refused.output]).toEqual([1, expect.stringContaining('has the Debian package "ocicat"')]);
  const lines = await running.must('ocicat uninstall');
  expect(lines).toContain('"apt-get purge ocicat" removes them');
  expect(await running.must('dpkg -V ocicat && ls /usr/bin/rkt')).toBe('/usr/bin/rkt\n');
}, 30_000);

test('purged, with what came along, it leaves what the administrator wrote and nothing else', async () => {
  await running.must(PURGE);
  await running.must(`apt-get autoremove -y --purge && rm -r ${FOLDER}`);
  const now = await snapshot(running);
  expect(added(bare, now)).toEqual([]);
  expect(added(now, bare)).toEqual([]);
}, 90_000);

test('every block of the page about the package was run', () => {
  expect(page.left('packaged')).toEqual([]);
});
