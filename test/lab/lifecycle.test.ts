import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { VERSION } from '../../src/base/version.ts';
import { eventually, type Lab, lab, ocicat, openLab } from '../support/host/lab.ts';

/** Processes of a lab: every mount namespace in it has its tmpfs. */
function observeProcesses(name: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/mounts`, 'utf8').includes(`ocicat-lab-${name} `);
    } catch {
      return false; // it ended while we looked
    }
  });
}

/** What a lab could leave on the machine. */
function observeTraces(name: string): unknown {
  return {
    processes: observeProcesses(name),
    mounts: readFileSync('/proc/self/mounts', 'utf8').includes(`ocicat-lab-${name}`),
    files: existsSync(`/run/ocicat/labs/${name}`) || existsSync(`/run/ocicat/lab-${name}.lock`),
    links: readdirSync('/sys/class/net').sort(),
  };
}

const links = readdirSync('/sys/class/net').sort();
const noTraces = { processes: [], mounts: false, files: false, links };
let hosts: Lab;

beforeAll(async () => {
  hosts = await openLab('life');
}, 90_000);

afterAll(async () => {
  await hosts.down();
  expect(observeTraces(hosts.name)).toEqual(noTraces);
}, 30_000);

test('exec passes stdin, stdout, stderr and the exit status through', async () => {
  const result = await lab(
    ['exec', '--name', hosts.name, 'calico-02', '--', 'sh', '-c', 'cat; echo words >&2; exit 42'],
    'typed\n',
  );
  expect(result).toEqual({ status: 42, stdout: 'typed\n', stderr: 'words\n' });
});

test('a host has its own name, processes, address and files, and nothing of the machine changes', async () => {
  const seen = await hosts.must(
    'calico-02',
    'hostname; cat /proc/1/comm; ip -4 -o addr show eth0 | tr -s " " | cut -d" " -f4; touch /etc/mark /root/mark',
  );
  expect(seen).toBe('calico-02\ncatatonit\n10.99.0.2/24\n');
  expect(existsSync('/etc/mark')).toBe(false);
  expect(observeProcesses(hosts.name).length).toBeGreaterThan(6);
  expect(await hosts.must('calico-01', 'ls /etc/mark /root/mark 2>/dev/null || echo absent')).toBe('absent\n');
});

test('node run puts a pod of an image in the place of the agent, with settings of this host', async () => {
  await hosts.must('calico-02', 'echo "LogPrefix = of-this-host" >/root/felix.cfg');
  const failed = await hosts.on('calico-02', 'calicoctl node run --node-image quay.io/calico/node:none');
  expect([failed.status, failed.stdout]).toEqual([1, '']);
  expect(failed.stderr).toEndWith('node run: image "quay.io/calico/node:none" cannot be fetched\n');
  const before = (await hosts.must('calico-02', 'pgrep -x calico-node')).trim();
  const image = `quay.io/calico/node:v${VERSION}`;
  const settings = '--ip autodetect --log-dir /root/logs --felix-config /root/felix.cfg';
  expect(await hosts.must('calico-02', `calicoctl node run --node-image ${image} ${settings}`)).toBe(
    `Stopping calico-node (process ${before}).\n` +
      'Starting calico-node; its log is /root/logs/node.log\nCalico node started successfully\n',
  );
  expect(await hosts.must('calico-02', 'rkt list')).toMatch(new RegExp(`node\t+${image}\t+running`));
  const network = '{"name":"network1","cniVersion":"0.1.0","type":"calico","ipam":{"type":"calico-ipam"}}';
  const spec = '{ingress: [{action: Log}]}';
  const policy = `{apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: {name: l}, spec: ${spec}}`;
  await hosts.must(
    'calico-02',
    `echo '${policy}' | calicoctl apply -f -
    mkdir -p /etc/rkt/net.d; echo '${network}' >/etc/rkt/net.d/10-network1.conf
    setsid --fork rkt run --net=network1 docker://busybox --exec /bin/sleep -- 60 >/dev/null 2>&1 </dev/null`,
  );
  await eventually('the prefix', 10_000, async () =>
    (await hosts.on('calico-02', 'nft list table inet ocicat | grep -q of-this-host')).status === 0 ? true : undefined,
  );
  await hosts.must('calico-02', 'calicoctl delete globalnetworkpolicy l');
}, 60_000);

test('hosts reach each other, etcd and the registry', async () => {
  await hosts.must('calico-01', 'ping -c 1 -W 2 calico-02');
  await hosts.must('calico-02', 'etcdctl --endpoints http://underlay:2379 endpoint health 2>&1');
  await hosts.must('calico-01', 'exec 3<>/dev/tcp/underlay/5000');
});

test('an unknown host or a missing command is refused with the way out', async () => {
  const unknown = await lab(['exec', '--name', hosts.name, 'calico-09', '--', 'true']);
  expect(unknown.status).toBe(1);
  expect(unknown.stderr).toBe(`lab: host "calico-09": not in lab "${hosts.name}", which has calico-01, calico-02\n`);
  expect(await lab(['exec', '--name', hosts.name, 'calico-01'])).toEqual({
    status: 2,
    stdout: '',
    stderr: 'lab: usage: ocicat lab exec [--name LAB] NODE -- COMMAND…\n',
  });
});

test('up on a lab that is up leaves it as it is; another size is refused', async () => {
  expect((await lab(['up', '--name', hosts.name])).status).toBe(0);
  const other = await lab(['up', '--name', hosts.name, '--nodes', '3']);
  expect(other.status).toBe(1);
  expect(other.stderr).toContain('it is up with 2 hosts; "ocicat lab down" first');
});

test('segments and families that cannot be are refused before anything is started', async () => {
  const refusal = async (...flags: readonly string[]) => {
    const { status, stderr } = await lab(['up', '--name', 'none', ...flags]);
    return [status, stderr];
  };
  expect(await refusal('--segments', '3')).toEqual([
    2,
    'lab: number of segments "3": 1 to 2 wanted, the number of hosts\n',
  ]);
  expect(await refusal('--ipv6', '--dual-stack')).toEqual([2, 'lab: --ipv6 and --dual-stack: one of the two wanted\n']);
  expect(observeTraces('none')).toEqual(noTraces);
});

test('between segments hosts and services are reached, and neither pods nor who has an address of elsewhere', async () => {
  const spread = await openLab('spread', 2, ['--segments', '2', '--dual-stack']);
  expect((await lab(['status', '--name', spread.name])).stdout.split('\n').slice(0, 5)).toEqual([
    `lab "${spread.name}": up, etcd at http://10.99.0.254:2379`,
    'segment 1: 10.99.0.0/24, gateway 10.99.0.254; fd99::/64, gateway fd99::254',
    'segment 2: 10.99.1.0/24, gateway 10.99.1.254; fd99:0:0:1::/64, gateway fd99:0:0:1::254',
    'calico-01  segment 1  10.99.0.1, fd99::1  1 running pods',
    'calico-02  segment 2  10.99.1.2, fd99:0:0:1::2  1 running pods',
  ]);
  const reaches = async (...words: readonly string[]) =>
    (await spread.on('calico-02', `ping -q -c 1 -W 0.5 ${words.join(' ')}`)).status === 0;
  for (const [host, services, foreign] of [
    ['10.99.0.1', '10.99.0.254', '172.31.0.1/32'],
    ['fd99::1', 'fd99::254', 'fd31::1/128'],
  ] as const) {
    const address = foreign.replace(/\/.*/, '');
    await spread.must(
      'calico-02',
      `timeout 2 bash -c 'exec 3<>/dev/tcp/${services}/2379'; ip address add ${foreign} dev lo`,
    );
    expect([await reaches(host), await reaches('-I', address, host)]).toEqual([true, false]);
    await spread.must('calico-02', `ip address del ${foreign} dev lo`);
    await spread.must('calico-01', `ip address add ${foreign} dev lo`);
    expect(await reaches(address)).toBe(false);
  }
  await spread.down();
  expect(observeTraces(spread.name)).toEqual(noTraces);
}, 60_000);

test('a second lab stands beside the first, which does not notice when the second is ended or killed', async () => {
  const second = await openLab('beside', 1);
  await second.must('calico-01', 'ping -c 1 -W 2 10.99.0.1; hostname >/etc/mark');
  expect((await lab(['status', '--name', second.name])).stdout).toContain(hosts.name);
  expect((await lab(['down', '--name', second.name])).stdout).toBe(`lab "${second.name}" is down\n`);
  expect(observeTraces(second.name)).toEqual(noTraces);

  const third = await openLab('kill', 1);
  process.kill(third.init, 'SIGKILL');
  await eventually('the killed lab to vanish', 10_000, async () =>
    existsSync(`/proc/${third.init}`) ? undefined : true,
  );
  expect(await lab(['status', '--name', third.name])).toEqual({
    status: 1,
    stdout: '',
    stderr: `lab: lab "${third.name}": it is not up (start it with "ocicat lab up --name ${third.name}")\n`,
  });
  expect((await lab(['down', '--name', third.name])).stdout).toBe(`lab "${third.name}" was not up\n`);
  expect(observeTraces(third.name)).toEqual(noTraces);

  await hosts.must(
    'calico-01',
    'ping -c 1 -W 2 calico-02 && calicoctl node status | grep -q Established && test ! -e /etc/mark',
  );
}, 60_000);

test.each(['starting etcd and the registry', 'starting calico-node'])(
  'a lab that is interrupted while it is %s leaves nothing, however often it is interrupted',
  async (line) => {
    const name = `stop-${process.pid}`;
    const up = Bun.spawn([ocicat, 'lab', 'up', '--name', name], { stdout: 'ignore', stderr: 'pipe' });
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of up.stderr) {
      text += decoder.decode(chunk);
      if (!text.includes(line)) continue;
      up.kill('SIGINT');
      await Bun.sleep(100);
      up.kill('SIGINT');
    }
    expect(await up.exited).toBe(1);
    expect(text.trim().split('\n').at(-1)).toBe('lab: interrupted');
    expect(observeTraces(name)).toEqual(noTraces);
  },
  60_000,
);

test('what a killed "lab up" leaves is not a lab, and makes room for one', async () => {
  const name = `half-${process.pid}`;
  const up = Bun.spawn([ocicat, 'lab', 'up', '--name', name, '--segments', '2'], { stdout: 'ignore', stderr: 'pipe' });
  for await (const chunk of up.stderr) if (new TextDecoder().decode(chunk).includes('calico-node')) up.kill('SIGKILL');
  expect(observeProcesses(name)).not.toEqual([]);
  expect((await lab(['status', '--name', name])).status).toBe(1);
  expect((await lab(['up', '--name', name, '--nodes', '1'])).status).toBe(0);
  expect((await lab(['down', '--name', name])).stdout).toBe(`lab "${name}" is down\n`);
  expect(observeTraces(name)).toEqual(noTraces);
}, 60_000);
