// The rules of the CNI specification (SPEC.md of containernetworking/cni, 1.1.0), each tried in every version of it that the plugins
// speak, with the real programs, kernel and store: what a runtime sees is their exit status and what they print.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CniVersion, isAtLeast, SUPPORTED_VERSIONS } from '../../src/cni/spec/version.ts';
import { type CniHost, countPending, openCniHost, type PluginRun } from '../support/host/cni-host.ts';

let host: CniHost;
beforeAll(async () => {
  host = await openCniHost();
});
afterAll(() => host.close());

type Variables = Readonly<Record<string, string | undefined>>;
interface Call {
  readonly type?: 'calico' | 'calico-ipam';
  readonly variables?: Variables;
  readonly config?: object;
}

/** One plugin of one network, in one version of the specification. */
function createRuntime(cniVersion: CniVersion) {
  const network = { cniVersion, name: 'network1', type: 'calico', ipam: { type: 'calico-ipam' } };
  const run = (command: string, { type = 'calico', variables = {}, config = {} }: Call = {}) =>
    host.runPlugin(type, { CNI_COMMAND: command, ...variables }, JSON.stringify({ ...network, ...config }));
  return {
    version: cniVersion,
    since: (version: CniVersion) => isAtLeast(cniVersion, version),
    run,
    async add(call: Call = {}) {
      const { status, output, errors } = await run('ADD', call);
      expect([status, errors], output).toEqual([0, '']);
      return JSON.parse(output);
    },
  };
}
type Runtime = ReturnType<typeof createRuntime>;

/** An exit status that is not 0, and one error on standard output: of this version, with a code and a message. */
function expectError({ version }: Runtime, { status, output }: PluginRun, code: number, message: string | RegExp) {
  expect(status).not.toBe(0);
  const error = JSON.parse(output);
  expect([error.cniVersion, error.code], output).toEqual([version, code]);
  expect(`${error.msg} ${error.details ?? ''}`).toMatch(message);
  return error;
}

/** Success, and nothing printed. */
function expectSilence({ status, output, errors }: PluginRun): void {
  expect([status, output, errors]).toEqual([0, '', '']);
}

const hasInterface = (name = 'eth0') => host.run('pod', `ip -o link show ${name} 2>&1`).startsWith('Device') === false;
const heldHandles = () => host.etcd.ctl('get', '--prefix', '--keys-only', '/calico/ipam/v2/handle/');

/** The addresses of a result of any version. */
function addressesOf(result: { ip4?: { ip: string }; ips?: { address: string }[] }): readonly string[] {
  return result.ips?.map(({ address }) => address) ?? (result.ip4 === undefined ? [] : [result.ip4.ip]);
}

afterEach(async () => {
  const runtime = createRuntime('1.1.0');
  const gone = { 'cni.dev/valid-attachments': [] };
  for (const type of ['calico', 'calico-ipam'] as const) expectSilence(await runtime.run('GC', { type, config: gone }));
  await host.context.links.settled?.();
  expect([host.linkNames(), await heldHandles(), countPending(host)]).toEqual([[], '', 0]);
});

type Rule = readonly [rule: string, holds: (runtime: Runtime) => Promise<void>];

const parameters: readonly Rule[] = [
  [
    'a variable that is required and missing is named, with code 4',
    async (runtime) => {
      const needed: readonly (readonly [string, readonly string[]])[] = [
        ['ADD', ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME']],
        ['DEL', ['CNI_CONTAINERID', 'CNI_IFNAME']],
        ['CHECK', ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME']],
      ];
      for (const [command, names] of needed)
        for (const name of names)
          for (const value of [undefined, ''])
            expectError(runtime, await runtime.run(command, { variables: { [name]: value } }), 4, name);
      expectError(runtime, await runtime.run('UP'), 4, 'CNI_COMMAND');
    },
  ],
  [
    'a container ID begins with a letter or digit and has no other characters than the specification’s',
    async (runtime) => {
      for (const id of ['-a', '.a', '_a', 'a/b', '../a', 'a b', 'ä', 'a;b'])
        expectError(runtime, await runtime.run('ADD', { variables: { CNI_CONTAINERID: id } }), 4, 'CNI_CONTAINERID');
      for (const id of ['A', '9', 'a_b.C-d', 'x'.repeat(200)]) {
        const variables = { CNI_CONTAINERID: id };
        expect(addressesOf(await runtime.add({ variables }))).toHaveLength(1);
        expectSilence(await runtime.run('DEL', { variables }));
        await host.context.links.settled?.();
      }
    },
  ],
  [
    'an interface name that cannot be used is an error',
    async (runtime) => {
      for (const name of ['a/b', '..', 'sixteen-letters-', 'a b'])
        expectError(runtime, await runtime.run('ADD', { variables: { CNI_IFNAME: name } }), 4, 'CNI_IFNAME');
    },
  ],
  [
    'CNI_PATH is where delegated plugins are found, which get the same variables and input',
    async (runtime) => {
      const folder = join(host.folder, 'own-plugins');
      mkdirSync(folder, { recursive: true });
      const answer = JSON.stringify({ cniVersion: runtime.version, ip4: { ip: '10.50.0.9/24' }, ips: undefined });
      const ips = `{"cniVersion":"${runtime.version}","ips":[{"version":"4","address":"10.50.0.9/24"}]}`;
      const output = runtime.since('0.3.0') ? ips : answer;
      writeFileSync(
        join(folder, 'noted'),
        `#!/bin/sh\nenv >${folder}/$CNI_COMMAND.env\ncat >${folder}/$CNI_COMMAND.in\necho '${output}'\n`,
      );
      chmodSync(join(folder, 'noted'), 0o755);
      const call = {
        variables: { CNI_PATH: `/nowhere:${folder}`, CNI_ARGS: 'FOO=BAR;ABC=123' },
        config: { ipam: { type: 'noted', key: 'kept' } },
      };
      expect(addressesOf(await runtime.add(call))).toEqual(['10.50.0.9/32']);
      expectSilence(await runtime.run('DEL', call));
      for (const command of ['ADD', 'DEL']) {
        const environment = readFileSync(join(folder, `${command}.env`), 'utf8');
        for (const line of [
          `CNI_COMMAND=${command}`,
          'CNI_ARGS=FOO=BAR;ABC=123',
          'CNI_CONTAINERID=cont000001',
          'CNI_IFNAME=eth0',
        ])
          expect(environment.split('\n')).toContain(line);
        expect(JSON.parse(readFileSync(join(folder, `${command}.in`), 'utf8'))).toMatchObject({
          name: 'network1',
          ...call.config,
        });
      }
    },
  ],
];

const adds: readonly Rule[] = [
  [
    'ADD makes the interface of CNI_IFNAME in CNI_NETNS and prints a result of the version, and nothing else',
    async (runtime) => {
      const result = await runtime.add({ variables: { CNI_IFNAME: 'net7' } });
      expect(result.cniVersion).toBe(runtime.version);
      const [address] = addressesOf(result);
      expect(host.run('pod', 'ip -o -4 addr show dev net7')).toContain(address ?? 'an address');
      if (!runtime.since('0.3.0')) return expect(Object.keys(result)).toEqual(['cniVersion', 'ip4', 'dns']);
      const index = result.ips[0].interface;
      expect(result.interfaces[index]).toMatchObject({ name: 'net7', sandbox: host.podPath });
      expect('version' in result.ips[0]).toBe(!runtime.since('1.0.0'));
      expect(host.run('pod', 'cat /sys/class/net/net7/address; ip -o link show net7')).toContain(
        result.interfaces[index].mac,
      );
      for (const { sandbox, name } of result.interfaces)
        if (sandbox === undefined) expect(host.run('host', `ip -o link show ${name}`)).toContain(name);
    },
  ],
  [
    'ADD fails when the container has an interface of that name, and leaves it as it is',
    async (runtime) => {
      host.run('pod', 'ip link add eth0 type bridge');
      expectError(runtime, await runtime.run('ADD'), 999, /eth0/);
      expect(host.run('pod', 'ip -d -o link show eth0')).toContain('bridge');
      host.run('pod', 'ip link del eth0');
      expect(await heldHandles()).toBe('');
    },
  ],
  [
    'a container is in a network as often as it has interface names for it, and the same ADD again gives the same',
    async (runtime) => {
      const first = await runtime.add();
      const second = await runtime.add({ variables: { CNI_IFNAME: 'eth1' } });
      expect(addressesOf(second)).not.toEqual(addressesOf(first));
      expect(await runtime.add()).toEqual(first);
      expectSilence(await runtime.run('DEL', { variables: { CNI_IFNAME: 'eth1' } }));
      expect([hasInterface('eth0'), hasInterface('eth1')]).toEqual([true, false]);
    },
  ],
  [
    'ADD hands on what plugins before it have made',
    async (runtime) => {
      if (!runtime.since('0.3.0')) return; // results of before cannot say it
      const version = runtime.since('1.0.0') ? {} : { version: '4' };
      const prevResult = {
        cniVersion: runtime.version,
        interfaces: [{ name: 'lo', mac: '00:00:00:00:00:00', sandbox: host.podPath }],
        ips: [{ ...version, address: '127.0.0.1/8', interface: 0 }],
        dns: { nameservers: ['10.1.0.1'] },
      };
      const result = await runtime.add({ config: { prevResult } });
      expect(result.interfaces.slice(0, 1)).toEqual(prevResult.interfaces);
      expect(result.ips.slice(0, 1)).toEqual([expect.objectContaining(prevResult.ips[0] ?? {})]);
      expect([result.interfaces[result.ips[1].interface].name, result.dns]).toEqual(['eth0', prevResult.dns]);
    },
  ],
  [
    'plugins run at once for different containers',
    async (runtime) => {
      const ids = Array.from({ length: 8 }, (_, n) => `at-once-${n}`);
      const call = (id: string, command: string) =>
        runtime.run(command, { type: 'calico-ipam', variables: { CNI_CONTAINERID: id } });
      const added = await Promise.all(ids.map((id) => call(id, 'ADD')));
      expect(new Set(added.flatMap(({ output }) => addressesOf(JSON.parse(output)))).size).toBe(ids.length);
      for (const run of await Promise.all(ids.map((id) => call(id, 'DEL')))) expectSilence(run);
    },
  ],
  [
    'when a delegated plugin fails, it is called again with DEL, and what it says is said',
    async (runtime) => {
      const script = `#!/bin/sh\necho $CNI_COMMAND >>${host.folder}/failing.calls\n[ $CNI_COMMAND = DEL ] || { echo '{"code":123,"msg":"no leases left"}'; exit 1; }\n`;
      writeFileSync(join(host.folder, 'failing'), script, { mode: 0o755 });
      expectError(runtime, await runtime.run('ADD', { config: { ipam: { type: 'failing' } } }), 11, 'no leases left');
      expect(readFileSync(join(host.folder, 'failing.calls'), 'utf8')).toBe('ADD\nDEL\n');
      rmSync(join(host.folder, 'failing.calls'));
      expect(hasInterface()).toBe(false);
    },
  ],
  [
    'a plugin for addresses alone leaves out the interfaces',
    async (runtime) => {
      const result = await runtime.add({ type: 'calico-ipam' });
      expect(addressesOf(result)).toHaveLength(1);
      expect([result.interfaces, result.ips?.[0].interface]).toEqual([undefined, undefined]);
      expect(hasInterface()).toBe(false);
    },
  ],
];

const removals: readonly Rule[] = [
  [
    'DEL takes what ADD has made, prints nothing, and may come again',
    async (runtime) => {
      const prevResult = await runtime.add();
      for (const previous of [prevResult, prevResult, undefined]) {
        expectSilence(await runtime.run('DEL', { config: { prevResult: previous } }));
        expect([hasInterface(), await heldHandles()]).toEqual([false, '']);
      }
    },
  ],
  [
    'DEL succeeds without a namespace, with one that is gone, and for a container that never was',
    async (runtime) => {
      for (const netns of [undefined, '', '/run/netns/gone']) {
        await runtime.add();
        expectSilence(await runtime.run('DEL', { variables: { CNI_NETNS: netns } }));
        await host.context.links.settled?.();
        expect([hasInterface(), await heldHandles()]).toEqual([false, '']);
      }
      expectSilence(await runtime.run('DEL', { variables: { CNI_CONTAINERID: 'never-was' } }));
    },
  ],
  [
    'DEL after an ADD that failed succeeds, whatever was wrong with it',
    async (runtime) => {
      for (const config of [
        { mtu: 1 },
        { device_type: 'netkit' },
        { ipam: {} },
        { ipam: { type: 'nowhere' } },
        { name: 'Net_1' },
      ]) {
        expect((await runtime.run('ADD', { config })).status).not.toBe(0);
        expectSilence(await runtime.run('DEL', { config }));
      }
    },
  ],
];

const checks: readonly Rule[] = [
  [
    'CHECK came with 0.4.0: right after ADD all is well, which prints nothing',
    async (runtime) => {
      const prevResult = await runtime.add();
      const run = await runtime.run('CHECK', { config: { prevResult } });
      if (runtime.since('0.4.0')) expectSilence(run);
      else expectError(runtime, run, 1, 'CHECK');
    },
  ],
  [
    'CHECK fails when an address, a route, the link, the firewall or the reservation is missing',
    async (runtime) => {
      if (!runtime.since('0.4.0')) return;
      const breakages: readonly (readonly [string, () => unknown])[] = [
        ['addresses', () => host.run('pod', 'ip addr flush dev eth0')],
        ['routes', () => host.run('pod', 'ip route del default')],
        ['state', () => host.run('pod', 'ip link set eth0 down')],
        ['link', () => host.run('pod', 'ip link del eth0')],
        ['blocks', async () => host.etcd.ctl('del', '--prefix', '/calico/ipam/v2/handle/')],
      ];
      for (const [what, spoil] of breakages) {
        const prevResult = await runtime.add();
        await spoil();
        expectError(runtime, await runtime.run('CHECK', { config: { prevResult } }), 999, what);
        await host.context.cache.refresh(new AbortController().signal);
        expectSilence(await runtime.run('DEL'));
        await host.context.links.settled?.();
      }
      await host.etcd.ctl('del', '--prefix', '/calico/ipam/v2/assignment/');
      await host.context.cache.refresh(new AbortController().signal);
    },
  ],
  [
    'CHECK of a container that is not there has the code that says so',
    async (runtime) => {
      for (const type of ['calico', 'calico-ipam'] as const)
        if (runtime.since('0.4.0')) expectError(runtime, await runtime.run('CHECK', { type }), 3, 'cont000001');
    },
  ],
];

const others: readonly Rule[] = [
  [
    'GC came with 1.1.0: what is valid stays, the rest goes, and nothing is printed',
    async (runtime) => {
      if (!runtime.since('1.1.0')) {
        for (const type of ['calico', 'calico-ipam'] as const)
          expectError(runtime, await runtime.run('GC', { type, config: { 'cni.dev/valid-attachments': [] } }), 1, 'GC');
        return;
      }
      await runtime.add();
      await runtime.add({ variables: { CNI_IFNAME: 'eth1' } });
      await runtime.add({ type: 'calico-ipam', variables: { CNI_CONTAINERID: 'other' }, config: { name: 'bridged' } });
      const attachments = [{ containerID: 'cont000001', ifname: 'eth0' }];
      const config = { 'cni.dev/valid-attachments': attachments };
      expectSilence(
        await runtime.run('GC', {
          config,
          variables: { CNI_CONTAINERID: undefined, CNI_IFNAME: undefined, CNI_NETNS: undefined },
        }),
      );
      await host.context.links.settled?.();
      expect([hasInterface('eth0'), hasInterface('eth1')]).toEqual([true, false]);
      expectSilence(await runtime.run('GC', { type: 'calico-ipam', config: { ...config, name: 'bridged' } }));
      expect((await heldHandles()).trim()).toBe('/calico/ipam/v2/handle/network1.cont000001');
      expectError(runtime, await runtime.run('GC'), 7, 'valid-attachments');
    },
  ],
  [
    'STATUS came with 1.1.0: ready, which prints nothing, or why not with code 50',
    async (runtime) => {
      const variables = { CNI_CONTAINERID: undefined, CNI_IFNAME: undefined, CNI_NETNS: undefined };
      const status = (config = {}) => runtime.run('STATUS', { variables, config });
      if (!runtime.since('1.1.0')) return void expectError(runtime, await status(), 1, 'STATUS');
      expectSilence(await status());
      expectError(runtime, await status({ ipam: { type: 'calico-ipam', ipv4_pools: ['nowhere'] } }), 50, 'nowhere');
      expectError(runtime, await status({ ipam: { type: 'nowhere' } }), 50, 'nowhere');
    },
  ],
  [
    'VERSION needs nothing but its own variable, and says the version of the call',
    async (runtime) => {
      const nothing = { CNI_CONTAINERID: undefined, CNI_NETNS: undefined, CNI_IFNAME: undefined, CNI_PATH: undefined };
      const ask = (type: string, input: string) => host.runPlugin(type, { ...nothing, CNI_COMMAND: 'VERSION' }, input);
      for (const type of ['calico', 'calico-ipam']) {
        const { status, output, errors } = await ask(type, JSON.stringify({ cniVersion: runtime.version }));
        expect([status, errors, JSON.parse(output)]).toEqual([
          0,
          '',
          { cniVersion: runtime.version, supportedVersions: [...SUPPORTED_VERSIONS] },
        ]);
        expect(JSON.parse((await ask(type, '')).output).cniVersion).toBe('1.1.0');
      }
    },
  ],
  [
    'what is wrong has the code that the specification has for it',
    async (runtime) => {
      const ask = async (config: object) => runtime.run('ADD', { config });
      expectError(runtime, await ask({ device_type: 'netkit' }), 2, /device_type.*netkit/);
      expectError(runtime, await ask({ mtu: 'large' }), 7, /mtu.*large/);
      expectError(runtime, await ask({ name: undefined }), 7, 'name');
      expectError(runtime, await runtime.run('ADD', { variables: { CNI_NETNS: '/nowhere' } }), 8, '/nowhere');
      expectError(runtime, await runtime.run('ADD', { variables: { CNI_ARGS: 'nonsense' } }), 4, 'CNI_ARGS');
      const broken = await host.runPlugin('calico', { CNI_COMMAND: 'ADD' }, '{');
      expect([broken.status, JSON.parse(broken.output).code]).toEqual([1, 6]);
      const later = await ask({ cniVersion: '2.0.0' });
      expect([later.status, JSON.parse(later.output)]).toMatchObject([1, { code: 1, cniVersion: '1.1.0' }]);
      await runtime.add({ variables: { CNI_ARGS: 'IP=192.168.0.9' } });
      const taken = { CNI_CONTAINERID: 'other', CNI_IFNAME: 'eth1', CNI_ARGS: 'IP=192.168.0.9' };
      expectError(runtime, await runtime.run('ADD', { variables: taken }), 11, '192.168.0.9');
    },
  ],
];

describe.each([...SUPPORTED_VERSIONS])('CNI %s', (version) => {
  const runtime = createRuntime(version);
  test.each([...parameters, ...adds, ...removals, ...checks, ...others])('%s', (_rule, holds) => holds(runtime));
});
