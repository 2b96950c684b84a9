// A host for tests of the netavark plugin: the CNI tests' host, on which the plugin is called as netavark 2.1 and podman call
// it (netavark 2.1, src/network/plugin.rs): a subcommand, the namespace's path, JSON on standard input.
import { readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createAttacher } from '../../../src/attach/attacher.ts';
import type { NetavarkProtocol } from '../../../src/netavark/server/dispatch.ts';
import { openNetavarkServer } from '../../../src/netavark/server/server.ts';
import type { ShimServer } from '../../../src/shim/server.ts';
import * as libc from '../../../src/sys/libc.ts';
import { createNetns, withNetns } from '../../../src/sys/netns.ts';
import { type CniHost, type HostContext, openCniHost } from './cni-host.ts';

interface PluginOutcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A container as podman speaks of it to a plugin, for one of its networks. */
export interface PodmanCall {
  readonly id?: string;
  readonly name?: string;
  readonly network?: object;
  readonly options?: object;
  readonly ports?: readonly object[];
  /** Path of the namespace; default: that of the container's ID, which is made where it is not there. */
  readonly netns?: string;
}

export interface NetavarkHost {
  readonly host: CniHost;
  readonly folder: string;
  server: ShimServer<NetavarkProtocol>;
  open(changes?: Partial<HostContext>): Promise<void>;
  plugin(args: readonly string[], input: string): Promise<PluginOutcome>;
  create(network: object): Promise<PluginOutcome>;
  setup(call: PodmanCall): Promise<PluginOutcome>;
  teardown(call: PodmanCall): Promise<PluginOutcome>;
  /** Runs a shell command in a container. */
  inside(id: string, command: string): string;
  /** Ends the namespace of a container. */
  end(id: string): void;
  /** Files of teardowns that are not done. */
  unfinished(): readonly string[];
  close(): Promise<void>;
}

const NETWORK_ID = '2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9';

/** As podman keeps a network of the plugin. */
export function networkOf(name: string, more: object = {}): object {
  const flags = { ipv6_enabled: false, internal: false, dns_enabled: true };
  return { name, id: NETWORK_ID, driver: 'ocicat', ...flags, ipam_options: { driver: 'calico-ipam' }, ...more };
}

export async function openNetavarkHost(): Promise<NetavarkHost> {
  const host = await openCniHost();
  const { folder } = host;
  const program = join(folder, 'ocicat');
  symlinkSync('calico', program);
  const namespaces = new Map<string, number>();

  function netnsOf(id: string): string {
    const fd = namespaces.get(id) ?? createNetns();
    namespaces.set(id, fd);
    return `/proc/${process.pid}/fd/${fd}`;
  }

  async function plugin(args: readonly string[], input: string): Promise<PluginOutcome> {
    const child = Bun.spawn([program, ...args], {
      stdin: new TextEncoder().encode(input),
      stdout: 'pipe',
      stderr: 'pipe',
      env: { PATH: process.env.PATH ?? '' },
    });
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { status: await child.exited, stdout, stderr };
  }

  function ask(command: 'setup' | 'teardown', call: PodmanCall): Promise<PluginOutcome> {
    const { id = 'c1', name = '', network = networkOf('net1'), options, ports = null, netns = netnsOf(id) } = call;
    const own = { aliases: null, interface_name: 'eth0', static_ips: null, static_mac: null, options: null };
    const input = {
      container_name: name,
      container_id: id,
      port_mappings: ports,
      network,
      network_options: { ...own, ...options },
    };
    return plugin([command, netns], JSON.stringify(input));
  }

  const opened: NetavarkHost = {
    host,
    folder,
    server: await serve({}),
    async open(changes = {}) {
      opened.server = await serve(changes);
    },
    plugin,
    create: (network) => plugin(['create'], JSON.stringify(network)),
    setup: (call) => ask('setup', call),
    teardown: (call) => ask('teardown', call),
    inside(id, command) {
      const run = () => Bun.spawnSync(['sh', '-c', command]);
      const { stdout, stderr } = withNetns(namespaces.get(id) ?? -1, run);
      return `${stdout}${stderr}`.trim();
    },
    end(id) {
      libc.close(namespaces.get(id) ?? -1);
      namespaces.delete(id);
    },
    unfinished: () => readdirSync(join(folder, 'teardowns')),
    async close() {
      await opened.server.close();
      for (const fd of namespaces.values()) libc.close(fd);
      await host.close();
    },
  };

  function serve(changes: Partial<HostContext>): Promise<ShimServer<NetavarkProtocol>> {
    const context = { ...host.context, ...changes };
    const own = { attacher: createAttacher(context), teardownFolder: join(folder, 'teardowns'), log: context.log };
    return openNetavarkServer(own, join(folder, 'netavark.sock'));
  }

  return opened;
}
