// docs/install.md to the letter, on hosts that start as a bare Debian with systemd as process 1: install, one machine, several
// machines, the agent as a pod, upgrade under traffic, stop, uninstall. Each block of commands is run as it stands there.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type DebianHost, startDebian } from './debian-host.ts';
import { type Block, readInstallPage } from './page.ts';
import { answers, endPods, eventually, expectNoneLost, startPod, untilReady } from './pods.ts';
import { openSite, type Site } from './site.ts';
import { added, snapshot } from './snapshot.ts';

const ADDRESSES = { 'host-01': '10.0.0.1', 'host-02': '10.0.0.2' } as const;
/** Where `dist/` is. */
const FOLDER = '/root/ocicat';
const SERVER = '192.168.0.0';

const page = readInstallPage();
let site: Site;
let first: DebianHost;
let second: DebianHost;
/** Before anything is installed but packages of Debian. */
const bare = new Map<DebianHost, readonly string[]>();

beforeAll(async () => {
  const root = page.provideRoot();
  site = await openSite();
  const start = (name: keyof typeof ADDRESSES) =>
    startDebian(name, root, (init) => site.connect(init, ADDRESSES[name]));
  [first, second] = await Promise.all([start('host-01'), start('host-02')]);
  await Promise.all([site.furnish(first), site.furnish(second)]);
}, 300_000);
afterAll(async () => {
  try {
    await Promise.all([first?.end(), second?.end()]);
  } finally {
    site?.close();
  }
}, 30_000);

/** As they are typed: the first that fails ends it, and its words are the failure's. */
async function type(host: DebianHost, blocks: readonly Block[]): Promise<void> {
  for (const { commands } of blocks) await host.must(`set -e\n${commands}`, FOLDER);
}

/** The second section; what the host is like when Debian's packages are there is kept for the end. */
async function install(host: DebianHost): Promise<void> {
  for (const block of page.take('2. Install', 'each host'))
    for (const commands of block.commands.split(/^(?=dist\/)/m)) {
      if (commands.startsWith('dist/')) bare.set(host, await snapshot(host));
      await type(host, [{ ...block, commands }]);
    }
}

/** A pod of the same network fetches, one of another does not. */
async function expectIsolation(host: DebianHost): Promise<void> {
  const fetch = (network: string) =>
    host.run(`rkt run --net=${network} docker://busybox --exec=/bin/wget -- -T 3 -q -O - ${SERVER}/etc/passwd`);
  await eventually(host, 'the server', async () =>
    (await fetch('network1')).output.includes('root:x:0:0:root:/root:/bin/sh'),
  );
  expect((await fetch('network2')).output).toContain('wget: download timed out');
}

/** Nothing is left of an installation, on a host whose administrator has written what the page says. */
async function expectBare(host: DebianHost, written: readonly string[]): Promise<void> {
  const before = bare.get(host) ?? [];
  expect(added(before, await snapshot(host)).toSorted()).toEqual(written.toSorted());
  expect(added(await snapshot(host), before)).toEqual([]);
}

const SITE_FILES = ['/etc/calico/calico-node.env', '/etc/calico/calicoctl.cfg'];

test('a machine builds it', () => {
  for (const { commands } of page.take('1. Build', 'build machine')) {
    const { exitCode } = Bun.spawnSync(['sh', '-c', commands], { cwd: join(import.meta.dir, '../..') });
    expect(exitCode).toBe(0);
  }
}, 240_000);

test('a bare Debian is told which packages it lacks, by the check and by the start', async () => {
  const check = await first.run('dist/bin/calicoctl node checksystem', FOLDER);
  expect(check.status).toBe(1);
  for (const name of ['bird2', 'etcd-server', 'bubblewrap', 'crun'])
    expect(check.output).toContain(`package ${name}, for`);
  const start = await first.run('dist/bin/calicoctl node run', FOLDER);
  expect(start.status).toBe(1);
  for (const name of ['bird2', 'etcd-server']) expect(start.output).toContain(`Debian has it in the package ${name})`);
});

test('both hosts are installed', async () => {
  await Promise.all([install(first), install(second)]);
  expect(await first.must('rkt version')).toStartWith('rkt Version:');
}, 180_000);

test('one machine has networks of its own', async () => {
  await type(first, page.take('3. One machine', 'one machine'));
  await type(first, page.take('5. See', 'each host'));
  await startPod(first, 'server', `network1:IP=${SERVER}`, 'httpd -- -f -h /');
  await expectIsolation(first);
}, 120_000);

/** The pattern is not what it finds: `grep` has a command line, too. */
const findHolder = 'grep -lxz "rkt-table-holde[r]" /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3';

test('a unit whose pod started the holder of the rules ends at once, and leaves it', async () => {
  await first.must(`kill -KILL $(${findHolder})`);
  const run = 'rkt run --net=default-restricted --uuid-file-save=/tmp/unit docker://busybox --exec=/bin/sleep -- 600';
  await first.must(`systemd-run --quiet --collect --unit=app /usr/bin/${run}`);
  await untilReady(first, 'unit');
  const before = await first.must(findHolder);
  await first.must('timeout 20 systemctl stop app.service');
  expect(await first.must(findHolder)).toBe(before);
  expect(await first.must('nft list table inet rkt')).toContain('flags owner');
}, 60_000);

/** What the page has in calicoctl.cfg, at the place where another store's is written. */
const CLUSTER_FILE = '/etc/calico/cluster.cfg';

test('the machine joins the cluster, with its pod running', async () => {
  const [setUp] = page.take('4. Several', 'each host of several');
  const text = /calicoctl\.cfg <<EOF\n(.*?)EOF/s.exec(setUp?.commands ?? '')?.[1] ?? '';
  await first.must(`cat >${CLUSTER_FILE} <<'END'\n${text}END`);
  await type(first, page.take('4. Several', 'one machine'));
  expect(await first.must(`calicoctl -c ${CLUSTER_FILE} get nodes`)).toContain('host-01');
  await expectIsolation(first);
}, 60_000);

test('nothing is uninstalled below a pod that runs; then nothing is left', async () => {
  const [uninstall] = page.take('8. Uninstall', 'each host');
  const refused = await first.run(uninstall?.commands ?? '');
  expect([refused.status, refused.output]).toEqual([
    1,
    expect.stringContaining('containers run on this host: rkt pod '),
  ]);
  await endPods(first, 'server');
  await type(first, page.take('8. Uninstall', 'each host'));
  await expectBare(first, [CLUSTER_FILE]);
  expect((await first.must('dist/bin/ocicat uninstall', FOLDER)).split('\n')[0]).toBe(
    'nothing of Ocicat is on this host',
  );
}, 60_000);

test('an uninstallation that is killed at any moment is finished by the next', async () => {
  await first.must('dist/bin/ocicat install', FOLDER);
  await first.must('calicoctl node run');
  const seconds = '0.02 0.05 0.1 0.15 0.2 0.3 0.4';
  await first.must(`for limit in ${seconds}; do timeout -s KILL $limit dist/bin/ocicat uninstall; done; true`, FOLDER);
  await first.must('dist/bin/ocicat uninstall', FOLDER);
  await expectBare(first, [CLUSTER_FILE]);
}, 60_000);

test("Debian's own etcd and BIRD, when they run, are named with the way out", async () => {
  const { output } = await first.run(
    'systemctl start etcd bird; dist/bin/calicoctl node checksystem; systemctl stop etcd bird',
    FOLDER,
  );
  expect(output).toContain('"systemctl disable --now bird" ends it');
  expect(output).toContain('"systemctl disable --now etcd" ends it');
}, 30_000);

test('several machines have networks that span them', async () => {
  await install(first);
  const setUp = page.take('4. Several', 'each host of several');
  await Promise.all([type(first, setUp), type(second, setUp)]);
  // the unit has started when its process has, which is before the agent takes calls
  for (const host of [first, second])
    await eventually(host, 'a session', async () =>
      (await host.run('calicoctl node status')).output.includes('Established'),
    );
  await startPod(first, 'server', `network1:IP=${SERVER}`, 'httpd -- -f -h /');
  for (const host of [first, second]) {
    // a BIRD that starts alone waits for its peers before it routes
    const ways = () => host.fromOutside('ip', 'route', 'show', 'match', SERVER);
    await eventually(host, 'a way to the pod', async () => / via | dev cali/.test(ways()));
    await type(host, page.take('5. See', 'each host'));
    await expectIsolation(host);
  }
}, 120_000);

test('the agent becomes a pod, and is upgraded: traffic goes on, and what was denied stays denied', async () => {
  const ping = `ping -- -i 0.05 ${SERVER}`;
  await startPod(second, 'allowed', 'network1', ping);
  await startPod(second, 'denied', 'network2', ping);
  await eventually(second, 'an answer', async () => (await answers(second, 'allowed')).length > 0);

  await Promise.all([
    type(second, page.take('4. Several', 'host-02')),
    type(first, page.take('6. Upgrade', 'host-01')),
  ]);
  expect(await second.must('calicoctl node status')).toContain('Established');
  await eventually(first, 'a session', async () =>
    (await first.run('calicoctl node status')).output.includes('Established'),
  );
  await eventually(first, 'the agent', async () => (await first.run('calicoctl node status')).status === 0);

  await expectNoneLost(second, 'allowed', 40);
  expect(await answers(second, 'denied')).toEqual([]);
  await expectIsolation(second);
  await endPods(second, 'allowed', 'denied');
  await endPods(first, 'server');
}, 120_000);

test('hosts that encrypt what is between them', async () => {
  await Promise.all(
    [first, second].map((host) => host.must('apt-get install -y --no-install-recommends wireguard-go')),
  );
  await second.must(`calicoctl patch felixconfiguration default -p '{"spec":{"wireguardEnabled":true}}'`);
  for (const host of [first, second])
    await eventually(host, 'a device that encrypts', async () =>
      host.fromOutside('ip', '-brief', 'link').includes('wireguard.cali'),
    );
}, 60_000);

test('a host is stopped for good, uninstalled and removed from the cluster, then the other one: nothing is left', async () => {
  await type(first, page.take('7. Stop', 'host-01'));
  await eventually(
    first,
    'the end of the session',
    async () => !(await second.must('calicoctl node status')).includes('Established'),
  );
  await type(first, page.take('8. Uninstall', 'each host'));
  await type(second, page.take('8. Uninstall', 'host-02'));
  expect(await second.must('calicoctl get nodes')).not.toContain('host-01');
  await type(second, page.take('8. Uninstall', 'each host'));
  await expectBare(first, SITE_FILES);
  await expectBare(second, SITE_FILES);
}, 90_000);

/** The links of workloads that NetworkManager sees, without and with those that it leaves alone. */
async function seenLinks(): Promise<{ readonly managed: readonly string[]; readonly left: readonly string[] }> {
  const lines = (await first.must('nmcli -t -f DEVICE,STATE device')).match(/^cali.*/gm) ?? [];
  const isLeft = (line: string) => line.endsWith(':unmanaged');
  return { managed: lines.filter((line) => !isLeft(line)), left: lines.filter(isLeft) };
}

test('NetworkManager leaves the links of workloads alone, and takes them where it is not told', async () => {
  await first.must('dist/bin/ocicat install && calicoctl node run', FOLDER);
  await startPod(first, 'server', `network1:IP=${SERVER}`, 'httpd -- -f -h /');
  await first.must(`apt-get install -y --no-install-recommends network-manager`);
  await first.must('rm /usr/lib/NetworkManager/conf.d/10-ocicat.conf && systemctl restart NetworkManager');
  await eventually(first, 'the link to be managed', async () => (await seenLinks()).managed.length === 1);
  await first.must('dist/bin/ocicat install', FOLDER);
  await type(first, page.take('Beside', 'each host'));
  await eventually(first, 'the link to be left', async () => (await seenLinks()).left.length === 1);
  await startPod(first, 'late', 'network1', 'sleep -- 100');
  await eventually(first, 'the links to be left', async () => (await seenLinks()).left.length === 2);
  expect((await seenLinks()).managed).toEqual([]);
  await expectIsolation(first);
}, 120_000);

test('every block of the page was run', () => {
  expect(page.left('others')).toEqual([]);
});
