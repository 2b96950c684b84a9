// Containers on hosts of a lab as podman 5 and later make them: each has a network namespace, which podman hands to netavark 2
// and netavark to the plugin. Where netavark is at hand it does so itself; everywhere this file does what it does (netavark 2.1,
// src/commands and src/network/plugin.rs).
import type { Lab, Result } from './lab.ts';

export interface Container {
  readonly host: string;
  /** Its name and, with zeros before it, its ID. */
  readonly name: string;
  /** Names of its networks, the first being eth0, and what it asks of each. */
  readonly networks: Readonly<Record<string, { static_ips?: readonly string[]; static_mac?: string }>>;
  readonly ports?: readonly object[];
}

/** What podman keeps of an interface. */
export interface Status {
  readonly dns_server_ips: readonly string[];
  readonly interfaces: Readonly<Record<string, { mac_address: string; subnets: readonly { ipnet: string }[] }>>;
}

export interface Podman {
  readonly lab: Lab;
  /** `podman network create -d ocicat` on each of the hosts; throws what the plugin says. */
  createNetwork(hosts: readonly string[], name: string, more?: object): Promise<void>;
  /** Makes the container's namespace and sets it up; its status by network. */
  start(container: Container): Promise<Readonly<Record<string, Status>>>;
  /** Tears it down; the namespace goes with it. */
  stop(container: Container): Promise<Result>;
  /** A shell command in the container. */
  inside(container: Container, command: string): Promise<Result>;
}

type Call = (host: string, args: string, input: object) => Promise<Result>;

const PLUGINS = '/usr/libexec/netavark';
const NETAVARK = `/run/programs/netavark --config /run/netavark --firewall-driver none --aardvark-binary /none --plugin-directory ${PLUGINS}`;

const idOf = ({ name }: Container): string => Buffer.from(name).toString('hex').padStart(64, '0');
const netnsOf = ({ name }: Container): string => `/run/netns/${name}`;

function call(lab: Lab, program: string): Call {
  return (host, args, input) => lab.on(host, `${program} ${args} <<'END'\n${JSON.stringify(input)}\nEND`);
}

function outputOf({ status, stdout, stderr }: Result): string {
  if (status === 0) return stdout;
  throw new Error(`${stdout}${stderr}`);
}

function optionsOf({ networks }: Container, name: string): object {
  const interface_name = `eth${Object.keys(networks).indexOf(name)}`;
  return { aliases: null, static_ips: null, static_mac: null, options: null, ...networks[name], interface_name };
}

/** How one program after the other is asked. */
interface Way {
  create(host: string, network: object): Promise<object>;
  setup(container: Container, networks: Readonly<Record<string, object>>): Promise<Readonly<Record<string, Status>>>;
  teardown(container: Container, networks: Readonly<Record<string, object>>): Promise<Result>;
}

function commonOf(container: Container): object {
  return { container_id: idOf(container), container_name: container.name, port_mappings: container.ports ?? null };
}

/** As netavark does it: the networks one after the other, and those that stand torn down again when one fails. */
function byPlugin(lab: Lab): Way {
  const ask = call(lab, `${PLUGINS}/ocicat`);
  const inputOf = (container: Container, name: string, network: object) => ({
    ...commonOf(container),
    network,
    network_options: optionsOf(container, name),
  });
  const teardown: Way['teardown'] = async (container, networks) => {
    let last: Result = { status: 0, stdout: '', stderr: '' };
    for (const [name, network] of Object.entries(networks)) {
      const result = await ask(container.host, `teardown ${netnsOf(container)}`, inputOf(container, name, network));
      if (last.status === 0) last = result;
    }
    return last;
  };
  return {
    create: async (host, network) => JSON.parse(outputOf(await ask(host, 'create', network))),
    async setup(container, networks) {
      const done: Record<string, Status> = {};
      for (const [name, network] of Object.entries(networks)) {
        const result = await ask(container.host, `setup ${netnsOf(container)}`, inputOf(container, name, network));
        if (result.status !== 0)
          await teardown(container, Object.fromEntries(Object.keys(done).map((one) => [one, networks[one] ?? {}])));
        done[name] = JSON.parse(outputOf(result));
      }
      return done;
    },
    teardown,
  };
}

function byNetavark(lab: Lab): Way {
  const ask = call(lab, NETAVARK);
  const inputOf = (container: Container, networks: Readonly<Record<string, object>>) => ({
    ...commonOf(container),
    networks: Object.fromEntries(Object.keys(networks).map((name) => [name, optionsOf(container, name)])),
    network_info: networks,
  });
  const limits = {
    used: { interfaces: [], names: {}, subnets: [] },
    options: { subnet_pools: [], check_used_subnets: false },
  };
  return {
    create: async (host, network) => JSON.parse(outputOf(await ask(host, 'create', { network, ...limits }))),
    setup: async (container, networks) =>
      JSON.parse(outputOf(await ask(container.host, `setup ${netnsOf(container)}`, inputOf(container, networks)))),
    teardown: (container, networks) =>
      ask(container.host, `teardown ${netnsOf(container)}`, inputOf(container, networks)),
  };
}

export function openPodman(lab: Lab, way: 'netavark' | 'plugin'): Podman {
  const { create, setup, teardown } = (way === 'netavark' ? byNetavark : byPlugin)(lab);
  /** What each host keeps of its networks. */
  const kept = new Map<string, Record<string, object>>();
  const networksOf = ({ host, networks }: Container) =>
    Object.fromEntries(Object.keys(networks).map((name) => [name, kept.get(host)?.[name] ?? {}]));
  return {
    lab,
    async createNetwork(hosts, name, more = {}) {
      for (const [at, host] of hosts.entries()) {
        const id = `${at}`.padStart(64, 'a');
        const flags = { ipv6_enabled: false, internal: false, dns_enabled: true };
        const network = await create(host, { name, id, driver: 'ocicat', ...flags, ...more });
        kept.set(host, { ...kept.get(host), [name]: network });
      }
    },
    async start(container) {
      await lab.must(container.host, `ip netns add ${container.name} && ip -n ${container.name} link set lo up`);
      return setup(container, networksOf(container));
    },
    async stop(container) {
      const result = await teardown(container, networksOf(container));
      await lab.must(
        container.host,
        `ip netns pids ${container.name} | xargs -r kill -KILL; ip netns del ${container.name}`,
      );
      return result;
    },
    inside: (container, command) =>
      lab.on(container.host, `ip netns exec ${container.name} bash -c ${JSON.stringify(command)}`),
  };
}

/** netavark 2 or later on this machine's PATH, as `cargo install netavark` makes it; Debian 12's knows no plugins. */
export function findNetavark(): string | undefined {
  const program = Bun.which('netavark') ?? undefined;
  if (program === undefined) return undefined;
  const isNew = /^netavark [2-9]/.test(Bun.spawnSync([program, '--version']).stdout.toString());
  return isNew ? program : undefined;
}
