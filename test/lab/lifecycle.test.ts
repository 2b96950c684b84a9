import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { eventually, type Lab, lab, openLab } from './lab.ts';

interface Traces {
  readonly namespaces: readonly string[];
  readonly mounts: string;
  readonly links: readonly string[];
}

/** What a lab could leave on the machine: namespaces held by processes, mounts, links. */
function observeTraces(): Traces {
  const namespaces = new Set<string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const kind of ['net', 'mnt', 'pid', 'uts']) {
      try {
        namespaces.add(readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('catatonit') ? `${pid}/${kind}` : '');
      } catch {
        // The process ended while we looked.
      }
    }
  }
  return {
    namespaces: [...namespaces].filter((name) => name !== '').sort(),
    mounts: readFileSync('/proc/self/mounts', 'utf8'),
    links: readdirSync('/sys/class/net').sort(),
  };
}

const before = observeTraces();
let hosts: Lab;

beforeAll(async () => {
  hosts = await openLab('life');
}, 90_000);

afterAll(async () => {
  await hosts.down();
  expect(observeTraces()).toEqual(before);
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
  expect(await hosts.must('calico-01', 'ls /etc/mark /root/mark 2>/dev/null || echo absent')).toBe('absent\n');
});

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

test('a second lab stands beside the first, and a killed one leaves nothing', async () => {
  const second = await openLab('kill', 1);
  await second.must('calico-01', 'ping -c 1 -W 2 10.99.0.1');
  const state = JSON.parse(readFileSync(`/run/ocicat/labs/${second.name}/lab.json`, 'utf8')) as {
    init: { pid: number };
  };
  process.kill(state.init.pid, 'SIGKILL');
  await eventually('the killed lab to vanish', 10_000, async () =>
    existsSync(`/proc/${state.init.pid}`) ? undefined : true,
  );
  const status = await lab(['status', '--name', second.name]);
  expect(status.status).toBe(1);
  expect(status.stderr).toBe(
    `lab: lab "${second.name}": it is not up (start it with "ocicat lab up --name ${second.name}")\n`,
  );
  expect((await lab(['down', '--name', second.name])).stdout).toBe(`lab "${second.name}" was not up\n`);
  expect(existsSync(`/run/ocicat/labs/${second.name}`)).toBe(false);
}, 60_000);
