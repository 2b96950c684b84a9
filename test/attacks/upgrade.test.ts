// An upgrade under traffic, by the commands of docs/install.md as they stand there: nobody's packet is lost, no call and no
// command fails because its file is half there, and the agent that runs is not touched.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const root = join(import.meta.dir, '../..');
let host: AgentHost;

/** The commands of a section that run a program of this checkout. */
function documented(section: string): readonly string[] {
  const page = readFileSync(join(root, 'docs/install.md'), 'utf8');
  const text = page.split(`\n## ${section}`)[1]?.split('\n## ')[0] ?? '';
  const blocks = [...text.matchAll(/```sh [^\n]*\n(.*?)```/gs)].map(([, block = '']) => block);
  return blocks.flatMap((block) => block.split('\n')).filter((line) => /^(dist\/|calicoctl node run)/.test(line));
}

/** A host as it is before the first installation: what is written below these folders is this host's alone. */
const FRESH = `
mkdir -p /run/fresh && mount -t tmpfs tmpfs /run/fresh
for folder in usr opt etc; do
  mkdir -p /run/fresh/$folder /run/fresh/work-$folder
  mount -t overlay -o lowerdir=/$folder,upperdir=/run/fresh/$folder,workdir=/run/fresh/work-$folder overlay /$folder
done
mkdir -p /var/log/calico && mount -t tmpfs tmpfs /var/log
rm -rf /usr/lib/ocicat /usr/bin/ocicat /usr/bin/calicoctl /usr/bin/calico-node /usr/bin/rkt /opt/cni/bin/calico*`;

const settings = () => `ETCD_ENDPOINTS=${host.etcd.endpoint} NODENAME=node-1 IP=autodetect`;
const runAll = (commands: readonly string[]) =>
  host.must(`cd ${root}; ${commands.map((command) => `${settings()} ${command}`).join(' && ')}`);
/** Those that were started without a word: the others ask for the version. */
const agents = () =>
  host.run("ps -C calico-node -o pid=,stat=,args= | awk '$2 !~ /Z/ && NF == 3 { print $1 }'").output.trim();

/** Calls the installed plugin as a runtime does; the pod's namespace is there. */
const CALL = `call() {
  echo '{"cniVersion":"1.0.0","name":"net1","type":"calico","ipam":{"type":"calico-ipam"}}' |
  CNI_COMMAND=$1 CNI_CONTAINERID=$2 CNI_NETNS=/run/netns/$2 CNI_IFNAME=eth0 CNI_PATH=/opt/cni/bin /opt/cni/bin/calico
}`;

/** No file is as an upgrade wants it, so that each is replaced. */
const OUTDATE = 'find /usr/lib/ocicat -type f -exec chmod g+w {} +';

function addPod(pod: string): string {
  const result: unknown = JSON.parse(host.must(`${CALL}; ip netns add ${pod}; call ADD ${pod}`));
  const address = /"address":"([0-9.]+)\/32"/.exec(JSON.stringify(result))?.[1];
  if (address === undefined) throw new Error(JSON.stringify(result));
  return address;
}

beforeAll(async () => {
  host = await openAgentHost();
  host.must(FRESH);
}, 60_000);
afterAll(async () => {
  await host.close();
}, 20_000);

test('the installation guide names one command for both, and it is the same', () => {
  expect(documented('2. Install')).toEqual(['dist/bin/ocicat install']);
  expect(documented('6. Upgrade')).toEqual(['dist/bin/ocicat install']);
  expect(documented('3. One machine')).toEqual(['calicoctl node run']);
});

test('a fresh host is installed', () => {
  runAll([...documented('2. Install'), ...documented('3. One machine')]);
  expect(host.must('calicoctl node status')).toStartWith('Calico process is running.');
  expect(host.must('ls -A /usr/lib/ocicat/* /opt/cni/bin | grep new || echo none')).toBe('none');
  expect(host.must('readlink /opt/cni/bin/calico /usr/bin/rkt')).toBe(
    '/usr/lib/ocicat/cni/calico\n/usr/lib/ocicat/bin/rkt',
  );
}, 60_000);

test('it says what it has put where, and that there is nothing to do; a name that another program has is refused whole', () => {
  host.must('rm /usr/bin/rkt /opt/cni/bin/calico && chmod 4755 /usr/lib/ocicat/bin/ocicat');
  const [command = ''] = documented('2. Install');
  expect(host.must(`cd ${root}; ${command}`).split('\n')).toEqual([
    'installed /usr/lib/ocicat/bin/ocicat',
    'linked /usr/bin/rkt to /usr/lib/ocicat/bin/rkt',
    'linked /opt/cni/bin/calico to /usr/lib/ocicat/cni/calico',
  ]);
  expect(host.must('stat -c %a /usr/lib/ocicat/bin/ocicat')).toBe('755');
  expect(host.must(`cd ${root}; ${command}`)).toBe('all of it is installed');
  host.must('rm /usr/bin/ocicat /opt/cni/bin/calico && cp /bin/true /opt/cni/bin/calico');
  const refused = host.run(`cd ${root}; ${command}`);
  expect([refused.status, refused.output.trim()]).toEqual([
    1,
    'install: of another program, and in the way: /opt/cni/bin/calico; remove it first',
  ]);
  expect(host.run('test -e /usr/bin/ocicat').status).toBe(1);
  host.must(`rm /opt/cni/bin/calico; cd ${root}; ${command}`);
}, 60_000);

test('ten upgrades under traffic: no packet, no call and no command is lost, and the agent goes on', async () => {
  addPod('a');
  const b = addPod('b');
  const pid = agents();
  host.must(`ip netns exec a ping -i 0.02 ${b} >/run/ping 2>&1 & echo $! >/run/ping.pid`);
  // until told: a pod comes and goes, and the programs are started; every failure leaves its words
  host.must(`ip netns add c; (${CALL}
    while test ! -e /run/stop; do
      for program in 'rkt version' 'calicoctl version --client' 'calico-node --version' 'call ADD c' 'call DEL c'; do
        words=$($program 2>&1) || echo "$program: $words" >>/run/failures
      done
      echo >>/run/rounds
    done) >/dev/null 2>&1 </dev/null &`);
  for (let round = 0; round < 10; round++) {
    host.must(OUTDATE);
    runAll(documented('6. Upgrade'));
  }
  expect(agents()).toBe(pid);
  // and the agent of the new files takes the place of the old one, as the guide says
  host.must('touch /run/stop');
  runAll(documented('3. One machine'));
  expect(agents()).not.toBe(pid);
  await Bun.sleep(500);
  host.must('kill -INT $(cat /run/ping.pid)');
  await eventually('the count', 5000, () => (host.run('grep -q loss /run/ping').status === 0 ? true : undefined));
  expect(host.must('cat /run/ping')).toContain(' 0% packet loss');
  expect(host.run('cat /run/failures').output).toContain('No such file');
  expect(Number(host.must('wc -l </run/rounds'))).toBeGreaterThan(2);
  addPod('d');
}, 120_000);

test('an upgrade that is killed half-way is made good by the next', () => {
  host.must(OUTDATE);
  for (const seconds of ['0.01', '0.05', '0.1', '0.2', '0.3'])
    host.run(`cd ${root}; timeout -s KILL ${seconds} dist/bin/ocicat install`);
  expect(host.must('calicoctl version --client')).toContain('Client Version');
  runAll(documented('6. Upgrade'));
  expect(host.must('ls -A /usr/lib/ocicat/* /opt/cni/bin | grep new || echo none')).toBe('none');
  expect(host.must(`cmp ${root}/dist/bin/ocicat /usr/lib/ocicat/bin/rkt && echo same`)).toBe('same');
}, 60_000);
