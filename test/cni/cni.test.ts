import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { OcicatError } from '../../src/base/errors.ts';
import { SUPPORTED_VERSIONS } from '../../src/cni/spec/version.ts';
import { type CniHost, countPending, openCniHost, openServer, type ShimCall } from '../support/host/cni-host.ts';

let host: CniHost;
beforeAll(async () => {
  host = await openCniHost();
});
afterAll(() => host.close());

const configOf = (cniVersion: string, more: object = {}) => ({
  name: 'network1',
  cniVersion,
  type: 'calico',
  ipam: { type: 'calico-ipam' },
  ...more,
});
const DEL: ShimCall = { command: 'DEL', config: configOf('1.0.0'), netns: '' };

/** Every test leaves nothing in the kernel, in the store, on disk. */
afterEach(async () => {
  host.policy = async () => undefined;
  expect(await host.call(DEL)).toEqual({ status: 0, output: '' });
  // the deletion itself is done later, on a worker; the name is free then
  for (let tries = 0; host.linkNames().length > 0 && tries < 100; tries++) await Bun.sleep(10);
  expect(host.linkNames()).toEqual([]);
  expect(host.run('pod', 'ip -o link show eth0 2>&1')).toBe('Device "eth0" does not exist.');
  const left = await host.etcd.ctl('get', '--prefix', '--keys-only', '/calico/ipam/v2/handle/');
  const endpoints = await host.etcd.ctl(
    'get',
    '--prefix',
    '--keys-only',
    '/calico/resources/v3/projectcalico.org/workloadendpoints/',
  );
  expect([left, endpoints, countPending(host)]).toEqual(['', '', 0]);
});

const blankMac = (text: string) => text.replaceAll(/([0-9a-f]{2}:){5}[0-9a-f]{2}/g, 'MAC');

function expectedOf(version: string, ip: string): string {
  const sandbox = host.podPath;
  const dns = { nameservers: ['169.254.1.53'] };
  const body =
    version.startsWith('0.1') || version.startsWith('0.2')
      ? { cniVersion: version, ip4: { ip: `${ip}/32`, gateway: '169.254.1.1' }, dns }
      : version.startsWith('0.')
        ? {
            cniVersion: version,
            interfaces: [{ name: 'calicont000001' }, { name: 'eth0', mac: 'MAC', sandbox }],
            ips: [{ version: '4', interface: 1, address: `${ip}/32`, gateway: '169.254.1.1' }],
            dns,
          }
        : {
            cniVersion: version,
            dns,
            interfaces: [{ name: 'calicont000001' }, { mac: 'MAC', mtu: 1450, name: 'eth0', sandbox }],
            ips: [{ address: `${ip}/32`, gateway: '169.254.1.1', interface: 1 }],
          };
  return JSON.stringify(body, null, 4);
}

test.each([...SUPPORTED_VERSIONS])('ADD with version %s: the whole answer, and packets pass', async (version) => {
  const { status, output } = await host.call({ command: 'ADD', config: configOf(version), args: 'IP=192.168.0.0' });
  expect([status, blankMac(output)]).toEqual([0, expectedOf(version, '192.168.0.0')]);
  expect(host.run('host', 'ip -br link show calicont000001 | cut -d@ -f1; ip route show 192.168.0.0')).toBe(
    'calicont000001\n192.168.0.0 dev calicont000001 scope link metric 1024',
  );
  host.run('host', 'ip link set lo up; ip addr add 10.9.0.1/32 dev lo');
  expect(host.run('pod', 'ping -c 1 -W 2 10.9.0.1 | grep -c " 0% packet loss"')).toBe('1');
});

test('both families, an automatic address, and CHECK of what ADD left', async () => {
  const config = configOf('1.0.0', { ipam: { type: 'calico-ipam', assign_ipv6: 'true' } });
  const added = await host.call({ command: 'ADD', config });
  const prevResult = JSON.parse(added.output);
  expect([prevResult.ips.length, prevResult.routes]).toEqual([2, undefined]);
  const check = { command: 'CHECK', config: { ...config, prevResult } };
  expect(await host.call(check)).toEqual({ status: 0, output: '' });
  expect(await host.call({ command: 'ADD', config })).toEqual(added);
  host.run('pod', 'ip route del default');
  const { status, output } = await host.call(check);
  expect([status, JSON.parse(output).code]).toEqual([1, 999]);
  expect(JSON.parse(output).details).toContain('pod link eth0.routes: found nothing');
});

test('promise 1: the link comes up only after policy', async () => {
  let seen = '';
  host.policy = async () => {
    seen = host.run('host', 'cat /sys/class/net/calicont000001/operstate 2>&1; ip -o link show up');
  };
  expect((await host.call({ command: 'ADD', config: configOf('1.0.0') })).status).toBe(0);
  expect(seen).not.toContain('calicont000001:');
  expect(host.run('host', 'ip -o link show up')).toContain('calicont000001');
});

test('when policy cannot be put in place, nothing stays', async () => {
  host.policy = async () => {
    throw new OcicatError('kernel', 'apply policy: ENOSPC');
  };
  expect(await host.call({ command: 'ADD', config: configOf('1.0.0') })).toEqual({
    status: 1,
    output: JSON.stringify({ cniVersion: '1.0.0', code: 999, msg: 'apply policy: ENOSPC' }, null, 4),
  });
});

test('when the pod has an interface of the name already, nothing stays', async () => {
  host.run('pod', 'ip link add eth0 type bridge');
  const { status, output } = await host.call({ command: 'ADD', config: configOf('1.0.0') });
  expect([status, JSON.parse(output).msg]).toEqual([1, 'create link "eth0" in the pod: it has one of that name']);
  host.run('pod', 'ip link del eth0');
});

test('a namespace that another container has just left can be used at once', async () => {
  for (const id of ['first', 'second', 'third']) {
    expect(await host.call({ command: 'ADD', config: configOf('1.0.0'), id })).toMatchObject({ status: 0 });
    expect(await host.call({ ...DEL, id })).toEqual({ status: 0, output: '' });
  }
});

test("another plugin's addresses", async () => {
  const ipam = { type: 'host-local', ranges: [[{ subnet: '10.50.0.0/24' }]], dataDir: join(host.folder, 'host-local') };
  const config = configOf('1.0.0', { ipam });
  const { status, output } = await host.call({ command: 'ADD', config });
  expect([status, JSON.parse(output).ips]).toEqual([
    0,
    [{ address: '10.50.0.2/32', gateway: '169.254.1.1', interface: 1 }],
  ]);
  expect(await host.call({ command: 'ADD', config })).toEqual({ status: 0, output });
  expect(existsSync(join(host.folder, 'host-local/network1/10.50.0.2'))).toBe(true);
  expect((await host.call({ ...DEL, config })).status).toBe(0);
  expect(existsSync(join(host.folder, 'host-local/network1/10.50.0.2'))).toBe(false);
});

test('calico-ipam for another main plugin', async () => {
  const call = { plugin: 'calico-ipam', config: configOf('0.4.0'), args: 'IP=192.168.0.9' } as const;
  expect((await host.call({ ...call, command: 'ADD' })).output).toBe(
    JSON.stringify(
      {
        cniVersion: '0.4.0',
        ips: [{ version: '4', address: '192.168.0.9/32' }],
        dns: {},
      },
      null,
      4,
    ),
  );
  expect(await host.call({ ...call, command: 'DEL', netns: '' })).toEqual({ status: 0, output: '' });
});

test('namespaces that are none', async () => {
  const add = { command: 'ADD', config: configOf('1.0.0') };
  writeFileSync(join(host.folder, 'file'), '');
  const answers = await Promise.all(
    ['/nowhere', join(host.folder, 'file'), '/proc/self/ns/net', ''].map((netns) => host.call({ ...add, netns })),
  );
  expect(answers.map(({ status, output }) => [status, JSON.parse(output)])).toEqual([
    [1, { cniVersion: '1.0.0', code: 8, msg: 'open network namespace "/nowhere": ENOENT' }],
    [1, { cniVersion: '1.0.0', code: 8, msg: `open network namespace "${host.folder}/file": it is not a namespace` }],
    [1, { cniVersion: '1.0.0', code: 8, msg: 'open network namespace "/proc/self/ns/net": it is the host\'s own' }],
    [1, { cniVersion: '1.0.0', code: 4, msg: 'required env variables [CNI_NETNS] missing' }],
  ]);
  expect(await host.call({ ...DEL, netns: '/nowhere' })).toEqual({ status: 0, output: '' });
});

test('the shim answers VERSION by itself and says how to help when there is no agent', async () => {
  const versions =
    '{"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}\n';
  await host.server.close();
  try {
    expect(await host.call({ command: 'VERSION', config: '' })).toEqual({ status: 0, output: versions });
    const { status, output } = await host.call({ command: 'ADD', config: configOf('0.3.1') });
    expect([status, JSON.parse(output)]).toEqual([
      1,
      {
        cniVersion: '0.3.1',
        code: 11,
        msg: `cannot reach the agent at ${host.folder}/cni.sock, start it (systemctl start calico-node) and try again: No such file or directory`,
      },
    ]);
  } finally {
    host.server = await openServer(host.context, join(host.folder, 'cni.sock'));
  }
});

test('input that is too long is refused by the shim', async () => {
  const { status, output } = await host.call({ command: 'ADD', config: ' '.repeat(1 << 20) });
  expect([status, JSON.parse(output).code, JSON.parse(output).msg]).toEqual([
    1,
    5,
    'cannot read the network configuration on standard input: File too large',
  ]);
});

test('the socket is for root alone, and a socket that was left is replaced', async () => {
  const path = join(host.folder, 'cni.sock');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const second = await openServer(host.context, path);
  expect((await host.call({ command: 'ADD', config: configOf('1.0.0') })).status).toBe(0);
  await host.server.close();
  expect(existsSync(path)).toBe(true);
  host.server = second;
});

test('what no shim sends is refused, and the server goes on', async () => {
  const ask = (bytes: Uint8Array) =>
    new Promise<string>((resolve) => {
      let text = '';
      const socket = connect({ path: join(host.folder, 'cni.sock') }, () => socket.end(bytes));
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('close', () => resolve(text));
    });
  expect(await ask(new Uint8Array())).toContain('it ends inside its header');
  expect(await ask(Uint8Array.of(0xff, 0, 0, 0))).toContain('its header is not UTF-8');
  expect(await ask(new TextEncoder().encode('bash\0\0CNI_COMMAND=ADD\0\0{}'))).toContain('unknown');
});

test('thirty containers of one host at once', async () => {
  const ids = Array.from({ length: 30 }, (_, n) => `many${n}`);
  const ask = (command: string) =>
    Promise.all(ids.map((id) => host.call({ command, id, plugin: 'calico-ipam', config: configOf('1.0.0') })));
  const added = await ask('ADD');
  expect(new Set(added.map(({ output }) => output)).size).toBe(30);
  expect(added.every(({ status }) => status === 0)).toBe(true);
  expect((await ask('DEL')).every(({ status }) => status === 0)).toBe(true);
});

test('DEL while the store is away takes the link and says so; it is finished when the store is back', async () => {
  expect((await host.call({ command: 'ADD', config: configOf('1.0.0') })).status).toBe(0);
  await host.etcd.kill();
  const { status, output } = await host.call(DEL);
  expect([status, JSON.parse(output).code]).toEqual([1, 11]);
  expect(host.run('host', 'ip route show 192.168.0.0/16')).toBe('');
  expect(countPending(host)).toBe(1);
  await host.etcd.start();
  expect(await host.server.protocol.finishDeferred()).toBe(0);
});
